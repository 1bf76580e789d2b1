package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A foreign program on the broker, which uses the client directly. */
final class RawClient implements AutoCloseable {

  private final Connection connection;
  private final Channel channel;

  private RawClient(Connection connection) throws IOException {
    this.connection = connection;
    this.channel = connection.createChannel();
    channel.confirmSelect();
  }

  static RawClient connect(String uri) throws Exception {
    ConnectionFactory factory = new TolerantConnectionFactory();
    factory.setUri(uri);
    // A connection that recovers is made elsewhere in the client.
    factory.setAutomaticRecoveryEnabled(false);
    return new RawClient(factory.newConnection("foreign"));
  }

  Channel channel() {
    return channel;
  }

  /** {@return the headers of an event, and one more} */
  static Map<String, Object> event(String id, String key, String header, Object value) {
    Map<String, Object> headers = event(id, key);
    headers.put(header, value);
    return headers;
  }

  static Map<String, Object> event(String id, String key) {
    Map<String, Object> headers = new HashMap<>();
    headers.put("cloudEvents_specversion", "1.0");
    headers.put("cloudEvents_type", "foreign.event");
    headers.put("cloudEvents_id", id);
    headers.put("cloudEvents_source", "/foreign");
    headers.put("cloudEvents_partitionkey", key);
    return headers;
  }

  void publish(String exchange, String routingKey, Map<String, Object> headers) throws Exception {
    publish(
        exchange,
        routingKey,
        new AMQP.BasicProperties.Builder().headers(headers).build(),
        "body".getBytes(StandardCharsets.UTF_8));
  }

  void publish(String exchange, String routingKey, AMQP.BasicProperties properties, byte[] body)
      throws Exception {
    channel.basicPublish(exchange, routingKey, true, properties, body);
    channel.waitForConfirmsOrDie(10_000);
  }

  /** Binds a queue of this client that receives a copy of every message of an exchange. */
  String spyOn(String exchange) throws IOException {
    String queue = channel.queueDeclare().getQueue();
    channel.queueBind(queue, exchange, "");
    return queue;
  }

  /** Consumes {@code count} messages of a queue. */
  List<Delivery> consume(String queue, int count) {
    List<Delivery> consumed = new ArrayList<>();
    Await.until(
        count + " messages in " + queue,
        Duration.ofSeconds(30),
        () -> {
          GetResponse got = get(queue);
          while (got != null) {
            consumed.add(
                new Delivery(
                    got.getEnvelope(), DeepHeaders.restored(got.getProps()), got.getBody()));
            got = get(queue);
          }
          return consumed.size() >= count;
        });
    return consumed;
  }

  /** {@return the number of messages in a queue} */
  long count(String queue) {
    try {
      return channel.messageCount(queue);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** {@return the number of consumers of a queue} */
  long consumers(String queue) {
    try {
      return channel.consumerCount(queue);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private GetResponse get(String queue) {
    try {
      return channel.basicGet(queue, true);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    connection.abort(2_000);
  }
}
