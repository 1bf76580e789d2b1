package io.commslib.rabbit;

/**
 * The rule by which the consumers of one queue share its messages. It decides whether order per key
 * is possible.
 */
public enum ConsumerMode {

  /**
   * The queue has the argument {@code x-single-active-consumer}: the broker sends messages to one
   * consumer, and others stand by. Ordered. The default of a queue that the library creates.
   */
  SINGLE_ACTIVE,

  /**
   * The consumer is exclusive in the sense of AMQP: the broker refuses any second consumer.
   * Ordered. Other members of the group stand by and try again after 1 s to 5 s, a wait that grows.
   * The default of a {@linkplain RabbitBinding#plain() plain} queue.
   *
   * <p>For classic queues only, since a quorum queue ignores the flag and is refused. Each attempt
   * consumes one message, or two of a quorum queue, and returns them, so that they are marked as
   * redelivered. A queue that counts deliveries counts these too. A subscription whose queue
   * becomes a quorum queue while it runs tries again after 1 min to 1 h. A queue with a single
   * active consumer refuses every exclusive one: after three refusals of a queue without a consumer
   * health is degraded with {@code COMMS-RABBIT-017}.
   */
  EXCLUSIVE,

  /**
   * All consumers get messages at the same time, in no order. Only for subscriptions that are
   * {@linkplain io.commslib.core.messaging.SubscriptionConfig.Builder#unordered() unordered}.
   */
  COMPETING
}
