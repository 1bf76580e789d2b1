package io.commslib.core.messaging;

/** Makes subscriptions to one broker. Applications call it; adapters implement it. Thread-safe. */
public interface Subscriber {

  /**
   * Starts consuming and returns once the consumer is registered with the broker. Deliveries may
   * begin before it returns. Blocks for at most the transport's operation timeout.
   *
   * @param config settings of the subscription; the destination must have been declared
   * @param handler called on the subscription's workers
   * @return the running subscription; the caller closes it
   * @throws UnsupportedCapabilityException if the transport lacks a capability that {@code config}
   *     requires; nothing was started
   * @throws SubscribeException if the destination is unknown or the broker refuses; nothing was
   *     started
   * @throws TransportClosedException if the transport is closing or closed
   */
  Subscription subscribe(SubscriptionConfig config, MessageHandler handler);
}
