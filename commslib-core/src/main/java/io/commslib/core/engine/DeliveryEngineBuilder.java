package io.commslib.core.engine;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Collects what an adapter provides for a {@link DeliveryEngine}. Not thread-safe. */
public final class DeliveryEngineBuilder {
  final SubscriptionConfig config;
  final MessageHandler handler;
  String transport = "transport";
  @Nullable CommsRuntime runtime;
  @Nullable MessageFormat format;
  @Nullable Settler settler;
  @Nullable DeadLetterSink deadLetters;
  boolean noDeadLetters;
  @Nullable DelayStore delayStore;
  int maxBodyBytes = Integer.MAX_VALUE;
  boolean givesBackInPlace;

  /** Switched off by the benchmark that measures the cost of the context, by reflection. */
  boolean opensContext = true;

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
   * Sets the name of the transport, for the names of threads and of the engine in reports.
   *
   * @param transport for example {@code kafka}; default {@code transport}
   * @return this
   */
  public DeliveryEngineBuilder transport(String transport) {
    this.transport = Objects.requireNonNull(transport, "transport");
    return this;
  }

  /**
   * Sets the source of time, randomness and threads. Required.
   *
   * @param runtime must outlive the engine
   * @return this
   */
  public DeliveryEngineBuilder runtime(CommsRuntime runtime) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    return this;
  }

  /**
   * Sets the format of the records. Required.
   *
   * @param format the destination's format, or that of the transport
   * @return this
   */
  public DeliveryEngineBuilder format(MessageFormat format) {
    this.format = Objects.requireNonNull(format, "format");
    return this;
  }

  /**
   * Sets the settler of deliveries at the broker. Required.
   *
   * @param settler the subscription's settler
   * @return this
   */
  public DeliveryEngineBuilder settler(Settler settler) {
    this.settler = Objects.requireNonNull(settler, "settler");
    return this;
  }

  /**
   * Sets the target of dead letters. Required, unless there are {@link #noDeadLetters()}.
   *
   * @param deadLetters the group's target
   * @return this
   */
  public DeliveryEngineBuilder deadLetters(DeadLetterSink deadLetters) {
    this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
    this.noDeadLetters = false;
    return this;
  }

  /**
   * Declares that the group has no dead letters. The engine discards nothing then. A message that
   * would become a dead letter, for whatever reason, waits in the engine and blocks its key: later
   * messages of the key wait behind it, and other keys are handled. A message without key, and any
   * message of an unordered subscription, pauses the route for as long as it waits; between its
   * attempts other messages are handled. Health is degraded and names the message and the reason.
   * The message is tried again after 10 s, then after growing waits of at most 10 min, and by
   * {@link DeliveryEngine#resume()}. Each message has waits of its own. It counts towards the
   * in-flight bounds and is given back when the engine drains. By default a target is required.
   *
   * @return this
   */
  public DeliveryEngineBuilder noDeadLetters() {
    this.deadLetters = null;
    this.noDeadLetters = true;
    return this;
  }

  /**
   * Sets the store that keeps records of an unordered subscription while they wait for a retry. By
   * default there is none, and they wait in the engine.
   *
   * @param delays the group's store
   * @return this
   */
  public DeliveryEngineBuilder delayStore(DelayStore delays) {
    this.delayStore = Objects.requireNonNull(delays, "delays");
    return this;
  }

  /**
   * Sets the largest body that is decoded; a record with a larger one is dead-lettered.
   *
   * @param maxBodyBytes 1 or more; default no bound
   * @return this
   */
  public DeliveryEngineBuilder maxBodyBytes(int maxBodyBytes) {
    this.maxBodyBytes = Checks.inRange("maxBodyBytes", maxBodyBytes, 1, Integer.MAX_VALUE);
    return this;
  }

  /**
   * Declares that the broker could redeliver a record that its handler gives back only to this
   * consumer, as with a Kafka partition that it owns. The engine then delays the record's lane for
   * 100 ms and handles it again, uncounted, instead of giving it back. Records are still given back
   * through the settler when the engine drains. Off by default.
   *
   * @return this
   */
  public DeliveryEngineBuilder givesBackInPlace() {
    this.givesBackInPlace = true;
    return this;
  }

  /**
   * Sets the callback for a closed intake that opens again. It is called on any thread, without a
   * lock held.
   *
   * @param onIntakeOpen must be short and must not block; default none
   * @return this
   */
  public DeliveryEngineBuilder onIntakeOpen(Runnable onIntakeOpen) {
    this.onIntakeOpen = Objects.requireNonNull(onIntakeOpen, "onIntakeOpen");
    return this;
  }

  /**
   * Sets the listener that gives back what was taken from the broker when an error of the JVM stops
   * the handlers. Without it the engine only pauses.
   *
   * @param onJvmFailure the adapter's listener; default none
   * @return this
   */
  public DeliveryEngineBuilder onJvmFailure(JvmFailureListener onJvmFailure) {
    this.onJvmFailure = Objects.requireNonNull(onJvmFailure, "onJvmFailure");
    return this;
  }

  /**
   * Sets the observer of the engine's events.
   *
   * @param observer the observer; default none
   * @return this
   */
  public DeliveryEngineBuilder observer(CommsObserver observer) {
    this.observer = Objects.requireNonNull(observer, "observer");
    return this;
  }

  /** The number of unreadable records that are dead-lettered before one could be read; 0: any. */
  int maxUnreadable() {
    return noDeadLetters ? 0 : config.maxUnreadable();
  }

  /** The engine's name in thread names and reports. */
  String name() {
    return transport + "-" + config.destination().name() + "-" + config.group();
  }

  /**
   * Builds the engine, which takes records immediately.
   *
   * @return new engine; the adapter closes it
   * @throws NullPointerException naming a required setting that is missing
   */
  public DeliveryEngine build() {
    Checks.given("runtime", runtime);
    Checks.given("format", format);
    Checks.given("settler", settler);
    if (!noDeadLetters) {
      Checks.given("deadLetters", deadLetters);
    }
    return new DeliveryEngine(this);
  }
}
