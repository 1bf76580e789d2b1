package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;

/**
 * A record as it was received, with what a text can't show: typed headers and the properties.
 *
 * @param properties as the client read them
 * @param trusted whether the library alone can have written its headers {@code commslib-*}
 */
record RabbitOrigin(AMQP.BasicProperties properties, boolean trusted) {}
