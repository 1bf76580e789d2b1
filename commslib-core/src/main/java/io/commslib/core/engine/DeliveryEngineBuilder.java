package io.commslib.core.engine;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Collects what an adapter provides for a {@link DeliveryEngine}. Not thread-safe. */
public final class DeliveryEngineBuilder {
  final SubscriptionConfig config;
  final MessageHandler handler;
  String transport = "transport";
  @Nullable CommsRuntime runtime;
  @Nullable CloudEventsEnvelope envelope;
  @Nullable Settler settler;
  @Nullable DeadLetterSink deadLetters;
  @Nullable DelayStore delayStore;
  int maxBodyBytes = Integer.MAX_VALUE;
  boolean givesBackInPlace;
  Runnable onIntakeOpen = () -> {};
  JvmFailureListener onJvmFailure = (reason, pause) -> {};
  CommsObserver observer = CommsObserver.none();

  DeliveryEngineBuilder(SubscriptionConfig config, MessageHandler handler) {
    this.config = Objects.requireNonNull(config, "config");
    this.handler = Objects.requireNonNull(handler, "handler");
    Checks.check(
        config.batch().isEmpty() || handler instanceof BatchHandler,
        "handler",
        handler.getClass().getName(),
        "a BatchHandler, since the subscription sets batch");
  }

  /**
   * Sets the name of the transport, for threads, logs and the inbox.
   *
   * @param transport for example {@code kafka}
   * @return this
   */
  public DeliveryEngineBuilder transport(String transport) {
    this.transport = Objects.requireNonNull(transport, "transport");
    return this;
  }

  /**
   * Sets time, randomness and threads. Required.
   *
   * @param runtime outlives the engine
   * @return this
   */
  public DeliveryEngineBuilder runtime(CommsRuntime runtime) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    return this;
  }

  /**
   * Sets how records are decoded. Required.
   *
   * @param envelope of the transport
   * @return this
   */
  public DeliveryEngineBuilder envelope(CloudEventsEnvelope envelope) {
    this.envelope = Objects.requireNonNull(envelope, "envelope");
    return this;
  }

  /**
   * Sets who tells the broker. Required.
   *
   * @param settler of this subscription
   * @return this
   */
  public DeliveryEngineBuilder settler(Settler settler) {
    this.settler = Objects.requireNonNull(settler, "settler");
    return this;
  }

  /**
   * Sets where dead letters go. Required.
   *
   * @param deadLetters of this group
   * @return this
   */
  public DeliveryEngineBuilder deadLetters(DeadLetterSink deadLetters) {
    this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
    return this;
  }

  /**
   * Sets who keeps records of an unordered subscription while they wait; without it they wait in
   * the engine.
   *
   * @param delays of this group
   * @return this
   */
  public DeliveryEngineBuilder delayStore(DelayStore delays) {
    this.delayStore = Objects.requireNonNull(delays, "delays");
    return this;
  }

  /**
   * Sets the largest body that is decoded; a record with a larger one goes to the dead letters.
   *
   * @param maxBodyBytes 1 or more, no bound without this
   * @return this
   */
  public DeliveryEngineBuilder maxBodyBytes(int maxBodyBytes) {
    this.maxBodyBytes = Checks.inRange("maxBodyBytes", maxBodyBytes, 1, Integer.MAX_VALUE);
    return this;
  }

  /**
   * Says that a record given back by its handler could only come to this consumer again, as with a
   * Kafka partition it owns: the engine then holds its lane for 100 ms and handles it again,
   * uncounted, instead of settling it. Records are still given back through the settler when the
   * engine drains.
   *
   * @return this
   */
  public DeliveryEngineBuilder givesBackInPlace() {
    this.givesBackInPlace = true;
    return this;
  }

  /**
   * Sets what is called, on any thread and without a lock held, when a closed intake opens again
   *
   * @param onIntakeOpen short, does not block
   * @return this
   */
  public DeliveryEngineBuilder onIntakeOpen(Runnable onIntakeOpen) {
    this.onIntakeOpen = Objects.requireNonNull(onIntakeOpen, "onIntakeOpen");
    return this;
  }

  /**
   * Sets what gives back what was taken from the broker when an error of the JVM stops the
   * handlers. Without it the engine only pauses.
   *
   * @param onJvmFailure of the adapter
   * @return this
   */
  public DeliveryEngineBuilder onJvmFailure(JvmFailureListener onJvmFailure) {
    this.onJvmFailure = Objects.requireNonNull(onJvmFailure, "onJvmFailure");
    return this;
  }

  /**
   * Sets who is told what happens.
   *
   * @param observer the observer
   * @return this
   */
  public DeliveryEngineBuilder observer(CommsObserver observer) {
    this.observer = Objects.requireNonNull(observer, "observer");
    return this;
  }

  /**
   * Builds the engine; it takes records at once.
   *
   * @return new engine; the adapter closes it
   * @throws NullPointerException naming a required part that is missing
   */
  public DeliveryEngine build() {
    Checks.given("runtime", runtime);
    Checks.given("envelope", envelope);
    Checks.given("settler", settler);
    Checks.given("deadLetters", deadLetters);
    return new DeliveryEngine(this);
  }
}
