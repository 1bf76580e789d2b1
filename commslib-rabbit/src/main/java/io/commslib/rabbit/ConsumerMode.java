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
   * Ordered. Other members of the group stand by and try again every second. For classic queues
   * only, since a quorum queue ignores the flag. The default of a {@linkplain RabbitBinding#plain()
   * plain} queue.
   */
  EXCLUSIVE,

  /**
   * All consumers get messages at the same time, in no order. Only for subscriptions that are
   * {@linkplain io.commslib.core.messaging.SubscriptionConfig.Builder#unordered() unordered}.
   */
  COMPETING
}
