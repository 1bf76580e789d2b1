package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.MessageTransportContract;
import io.commslib.testkit.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The contract on a real Kafka. */
class KafkaTransportContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new KafkaHarness(KafkaServer.shared().bootstrapServers(), observer);
  }

  private static final class KafkaHarness implements TransportHarness {
    private final String servers;
    private final KafkaTransport transport;

    KafkaHarness(String servers, CommsObserver observer) {
      this.servers = servers;
      this.transport =
          KafkaTransport.create(KafkaTransportConfig.builder(servers).observer(observer).build());
    }

    @Override
    public MessageTransport transport() {
      return transport;
    }

    @Override
    public void publishForeign(Destination to, String key, byte[] body) throws Exception {
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(
              Map.of("bootstrap.servers", servers),
              new ByteArraySerializer(),
              new ByteArraySerializer())) {
        producer
            .send(
                new ProducerRecord<>(
                    KafkaNames.topic(to), key.getBytes(StandardCharsets.UTF_8), body))
            .get();
      }
    }

    @Override
    public int maxMessageBytes() {
      return 1024 * 1024;
    }

    @Override
    public Duration quiet() {
      return Duration.ofMillis(500);
    }

    @Override
    public void close() {
      transport.close();
    }
  }
}
