package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.MessageTransportContract;
import io.commslib.testkit.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.Map;

/** The contract on a real RabbitMQ. */
class RabbitTransportContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new RabbitHarness(RabbitServer.shared().uri(), observer);
  }

  private static final class RabbitHarness implements TransportHarness {
    private final String uri;
    private final RabbitTransport transport;

    RabbitHarness(String uri, CommsObserver observer) {
      this.uri = uri;
      this.transport =
          RabbitTransport.create(RabbitTransportConfig.builder(uri).observer(observer).build());
    }

    @Override
    public MessageTransport transport() {
      return transport;
    }

    @Override
    public void publishForeign(Destination to, String key, byte[] body) throws Exception {
      ConnectionFactory factory = new ConnectionFactory();
      factory.setUri(uri);
      try (Connection connection = factory.newConnection();
          Channel channel = connection.createChannel()) {
        channel.confirmSelect();
        // AMQP has no key of its own: a foreign program that wants one uses the header.
        AMQP.BasicProperties properties =
            new AMQP.BasicProperties.Builder()
                .headers(Map.of("cloudEvents_partitionkey", key))
                .build();
        String routingKey = to.kind() == Destination.Kind.QUEUE ? to.name() : "";
        channel.basicPublish(RabbitNames.exchange(to), routingKey, true, properties, body);
        channel.waitForConfirmsOrDie(10_000);
      }
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
}
