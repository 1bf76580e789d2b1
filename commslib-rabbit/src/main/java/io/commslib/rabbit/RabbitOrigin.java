package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;

/**
 * Origin of a received record, with the parts that text can't represent: typed headers and
 * properties.
 *
 * @param properties as decoded by the client
 * @param trusted whether only the library can have written its headers {@code commslib-*}
 */
record RabbitOrigin(AMQP.BasicProperties properties, boolean trusted) {}
