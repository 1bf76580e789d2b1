package io.commslib.rabbit;

/**
 * How a record came to its queue.
 *
 * @param exchange exchange to which it was published
 * @param routingKey routing key with which it was published
 * @param boundName name to which the destination is bound
 * @param isKept whether a dead letter keeps exchange and routing key, since its format may read
 *     them
 */
record RabbitRoute(String exchange, String routingKey, String boundName, boolean isKept) {}
