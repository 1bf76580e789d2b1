package io.commslib.benchmarks.chaos.broker;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.RabbitServer;
import io.commslib.testkit.servers.TestServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;

/**
 * A broker that belongs to the chaos run, which may kill it.
 *
 * @param kind the kind of broker
 * @param address the address for clients
 * @param server the server
 */
record Broker(Kind kind, String address, TestServer server) implements AutoCloseable {

  /** The supported brokers, with the way to open their transports. */
  enum Kind {
    KAFKA {
      @Override
      Broker start() {
        KafkaServer server = KafkaServer.start(Map.of("message.max.bytes", "8388608"));
        return new Broker(this, server.bootstrapServers(), server);
      }

      @Override
      MessageTransport open(Map<String, String> arguments, PlantedErrors errors) {
        KafkaTransportConfig.Builder config =
            KafkaTransportConfig.builder(arguments.get("servers"))
                .groupProtocol(GroupProtocol.valueOf(arguments.get("protocol")))
                .maxMessageBytes(Integer.parseInt(arguments.get("maxMessageBytes")))
                .observer(errors.wrap(CommsObserver.logging()));
        if (config.build().groupProtocol() == GroupProtocol.CLASSIC) {
          config.sessionTimeout(Duration.parse(arguments.get("session")));
        }
        arguments.forEach(
            (name, value) -> {
              if (name.startsWith(CLIENT)) {
                config.clientSetting(name.substring(CLIENT.length()), value);
              }
            });
        return KafkaTransport.create(config.build());
      }
    },

    RABBIT {
      @Override
      Broker start() {
        RabbitServer server = RabbitServer.start();
        return new Broker(this, server.uri(), server);
      }

      @Override
      MessageTransport open(Map<String, String> arguments, PlantedErrors errors) {
        return RabbitTransport.create(
            RabbitTransportConfig.builder(arguments.get("servers"))
                .maxMessageBytes(Integer.parseInt(arguments.get("maxMessageBytes")))
                .observer(errors.wrap(CommsObserver.logging()))
                .build());
      }
    };

    private static final String CLIENT = "client.";

    /** Starts a server. */
    abstract Broker start();

    /** Opens a transport with the arguments of a member. */
    abstract MessageTransport open(Map<String, String> arguments, PlantedErrors errors);

    /** Opens a transport for publishing and for reading dead letters. */
    MessageTransport open(String address, int maxMessageBytes) {
      return open(
          Map.of(
              "servers",
              address,
              "protocol",
              GroupProtocol.CLASSIC.name(),
              "session",
              KafkaRowEnvironment.SESSION.toString(),
              "maxMessageBytes",
              Integer.toString(maxMessageBytes)),
          new PlantedErrors(false));
    }
  }

  /** Opens a transport for the chaos run itself. */
  MessageTransport open(int maxMessageBytes) {
    return kind.open(address, maxMessageBytes);
  }

  /** Deletes the dead-letter destination of the judged group, as an operator could by mistake. */
  void removeDeadLetters(Destination source) throws Exception {
    if (kind == Kind.KAFKA) {
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
        admin
            .deleteTopics(List.of(source.name() + "." + GroupMembers.GROUP + ".dlq"))
            .all()
            .get(30, TimeUnit.SECONDS);
      }
      return;
    }
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(address);
    try (Connection connection = factory.newConnection();
        Channel channel = connection.createChannel()) {
      channel.queueDelete(source.name() + "@" + GroupMembers.GROUP + "@.dlq");
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
