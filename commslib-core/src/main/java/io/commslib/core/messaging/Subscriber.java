package io.commslib.core.messaging;

/**
 * Makes subscriptions to one broker. Applications call this; adapters implement it. Thread-safe.
 */
public interface Subscriber {

  /**
   * Starts consuming and returns once the consumer is registered with the broker; deliveries may
   * begin before. Blocks for at most the transport's operation timeout.
   *
   * @param config what and how to consume; the destination must have been declared
   * @param handler called on the subscription's workers
   * @return the running subscription; its maker closes it
   * @throws UnsupportedCapabilityException if the transport can't do what {@code config} asks;
   *     nothing was started
   * @throws SubscribeException if the destination is unknown or the broker refuses; nothing was
   *     started
   * @throws TransportClosedException if the transport is closing or closed
   */
  Subscription subscribe(SubscriptionConfig config, MessageHandler handler);
}
