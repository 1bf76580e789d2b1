package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.LongStringHelper;
import io.commslib.core.codec.Codec;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.jackson.JacksonCodec;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.RawRecord;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** A transport on a real RabbitMQ for the contracts, with a foreign publisher. */
class RabbitHarness implements BadInputHarness {

  private final String uri;
  private final RabbitTransport transport;

  RabbitHarness(String uri, CommsObserver observer) {
    this(uri, RabbitTransportConfig.builder(uri).observer(observer));
  }

  RabbitHarness(String uri, RabbitTransportConfig.Builder config) {
    this.uri = uri;
    this.transport = RabbitTransport.create(config.build());
  }

  @Override
  public MessageTransport transport() {
    return transport;
  }

  @Override
  public void publishForeign(Destination to, String key, byte[] body) throws Exception {
    publishRecord(to, RawRecord.of(key.getBytes(StandardCharsets.UTF_8), body));
  }

  /**
   * AMQP has no key of its own, so the key becomes a header. A table has one header per name, and a
   * record always has a body.
   */
  @Override
  public void publishRecord(Destination to, RawRecord record) throws Exception {
    Map<String, Object> headers = new HashMap<>();
    record
        .headers()
        .forEach(
            header ->
                headers.putIfAbsent(header.name(), LongStringHelper.asLongString(header.value())));
    if (record.key() != null) {
      headers.put("cloudEvents_partitionkey", LongStringHelper.asLongString(record.key()));
    }
    publishTable(to, headers, record.body() == null ? new byte[0] : record.body());
  }

  void publishTable(Destination to, Map<String, Object> headers, byte[] body) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(uri);
    try (Connection connection = factory.newConnection();
        Channel channel = connection.createChannel()) {
      channel.confirmSelect();
      AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder().headers(headers).build();
      channel.basicPublish(exchange(to), routingKey(to), true, properties, body);
      channel.waitForConfirmsOrDie(10_000);
    }
  }

  String exchange(Destination to) {
    return to.kind() == Destination.Kind.QUEUE ? "" : to.name();
  }

  String routingKey(Destination to) {
    return to.kind() == Destination.Kind.QUEUE ? to.name() : "";
  }

  @Override
  public String attributePrefix() {
    return CloudEventsEnvelope.AMQP_PREFIX;
  }

  @Override
  public Codec jsonCodec() {
    return JacksonCodec.create();
  }

  @Override
  public int maxMessageBytes() {
    return 1024 * 1024;
  }

  @Override
  public Duration quiet() {
    return Duration.ofMillis(300);
  }

  @Override
  public void close() {
    transport.close();
  }
}
