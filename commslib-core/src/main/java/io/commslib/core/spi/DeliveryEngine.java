package io.commslib.core.spi;

import io.commslib.core.Health;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The broker-neutral half of a subscription: everything that happens to a record between taking it
 * from the broker and settling it. Adapters feed it with {@link #accept} and learn the outcome
 * through {@link Settler}; whatever can fail on a received message fails in here, so that no path
 * acknowledges silently.
 *
 * <p>Records of one key form a lane: one at a time, in order of acceptance. A lane whose head waits
 * for a retry holds only itself. Records without key have no lane. Thread-safe. Starts worker
 * threads named {@code commslib-<transport>-<group>-<n>}.
 *
 * @since 0.1
 */
public final class DeliveryEngine implements AutoCloseable {

  private final Builder parts;

  private DeliveryEngine(Builder builder) {
    this.parts = builder;
  }

  /**
   * Starts an engine's configuration.
   *
   * @param config what the subscription asks
   * @param handler what handles its messages
   * @return new builder
   */
  public static Builder builder(SubscriptionConfig config, MessageHandler handler) {
    return new Builder(config, handler);
  }

  /**
   * Takes responsibility for a record. Never blocks, never refuses: bounds are kept by {@link
   * #isIntakeOpen()}, which the adapter asks before it takes more from the broker. Records of one
   * key must be accepted in broker order. After {@link #drain} or {@link #close} the record is
   * given back at once.
   *
   * @param delivery the record
   */
  public void accept(RawDelivery delivery) {
    throw new UnsupportedOperationException(parts.transport);
  }

  /**
   * Returns whether the adapter may take more from the broker: in-flight count and bytes are below
   * their bounds (with hysteresis: after closing, below 70 %), and waiting records below half of
   * the count.
   *
   * @return true to go on
   */
  public boolean isIntakeOpen() {
    throw new UnsupportedOperationException();
  }

  /**
   * Starts no more handlers for a scope that is about to be lost; its records that have not started
   * are forgotten without settlement and count as given back. Running ones go on and are still
   * settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    throw new UnsupportedOperationException();
  }

  /**
   * Waits until no handler of a scope runs. Blocks the caller, not the workers.
   *
   * @param scope as in {@link RawDelivery#scope()}
   * @param timeout how long at most
   * @return whether none runs
   */
  public boolean awaitScopeIdle(Object scope, Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /**
   * Forgets a scope that is lost: includes {@link #stopScope}; handlers of it that still run are
   * not settled when they end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    throw new UnsupportedOperationException();
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    throw new UnsupportedOperationException();
  }

  /** Ends {@link #pause()}. Idempotent. */
  public void resume() {
    throw new UnsupportedOperationException();
  }

  /**
   * Starts no more handlers, gives back what has not started, and waits until what runs has ended
   * and was settled.
   *
   * @param timeout how long to wait at most
   * @return whether all had ended
   */
  public boolean drain(Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are not settled any more.
   * Idempotent; does not wait.
   */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }

  /**
   * Returns the conservation ledger now.
   *
   * @return a consistent snapshot
   */
  public SubscriptionSnapshot snapshot() {
    throw new UnsupportedOperationException();
  }

  /**
   * Returns the health of the handlers' side; the adapter adds its connection's.
   *
   * @return down beyond {@link SubscriptionConfig#maxStuckHandlers()}, degraded while an outage
   *     pauses the route
   */
  public Health health() {
    throw new UnsupportedOperationException();
  }

  /**
   * Collects what an adapter provides. Not thread-safe.
   *
   * @since 0.1
   */
  public static final class Builder {
    final SubscriptionConfig config;
    final MessageHandler handler;
    String transport = "transport";
    @Nullable CommsRuntime runtime;
    @Nullable CloudEventsEnvelope envelope;
    @Nullable Settler settler;
    @Nullable DeadLetterSink deadLetters;
    Runnable onIntakeOpen = () -> {};
    CommsObserver observer = CommsObserver.none();

    private Builder(SubscriptionConfig config, MessageHandler handler) {
      this.config = Objects.requireNonNull(config, "config");
      this.handler = Objects.requireNonNull(handler, "handler");
    }

    /**
     * Sets the name of the transport, for threads, logs and the inbox.
     *
     * @param transport for example {@code kafka}
     * @return this
     */
    public Builder transport(String transport) {
      this.transport = Objects.requireNonNull(transport, "transport");
      return this;
    }

    /**
     * Sets time, randomness and threads. Required.
     *
     * @param runtime outlives the engine
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets how records are decoded. Required.
     *
     * @param envelope of the transport
     * @return this
     */
    public Builder envelope(CloudEventsEnvelope envelope) {
      this.envelope = Objects.requireNonNull(envelope, "envelope");
      return this;
    }

    /**
     * Sets who tells the broker. Required.
     *
     * @param settler of this subscription
     * @return this
     */
    public Builder settler(Settler settler) {
      this.settler = Objects.requireNonNull(settler, "settler");
      return this;
    }

    /**
     * Sets where dead letters go. Required.
     *
     * @param deadLetters of this group
     * @return this
     */
    public Builder deadLetters(DeadLetterSink deadLetters) {
      this.deadLetters = Objects.requireNonNull(deadLetters, "deadLetters");
      return this;
    }

    /**
     * Sets what is called, on any thread and without a lock held, when a closed intake opens again
     * or records left.
     *
     * @param onIntakeOpen short, does not block
     * @return this
     */
    public Builder onIntakeOpen(Runnable onIntakeOpen) {
      this.onIntakeOpen = Objects.requireNonNull(onIntakeOpen, "onIntakeOpen");
      return this;
    }

    /**
     * Sets who is told what happens.
     *
     * @param observer the observer
     * @return this
     */
    public Builder observer(CommsObserver observer) {
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
      Objects.requireNonNull(runtime, "runtime");
      Objects.requireNonNull(envelope, "envelope");
      Objects.requireNonNull(settler, "settler");
      Objects.requireNonNull(deadLetters, "deadLetters");
      return new DeliveryEngine(this);
    }
  }
}
