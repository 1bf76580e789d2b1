package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitTransportConfig;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The code of docs/kafka.md and docs/rabbitmq.md. */
class TransportSnippetTest {

  @Test
  void theConfigurationOfKafkaIsAccepted() {
    // snippet: kafka-config
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("k1:9092,k2:9092")
            .source("/orders")
            .replicationFactor(3)
            .clientSetting("security.protocol", "SSL")
            .build();
    // end
    assertThat(config.replicationFactor()).isEqualTo(Optional.of(3));
  }

  @Test
  void theConfigurationOfRabbitIsAccepted() {
    // snippet: rabbit-config
    RabbitTransportConfig config =
        RabbitTransportConfig.builder("amqp://orders:secret@localhost:5672/shop")
            .connectionName("orders")
            .source("/orders")
            .heartbeat(Duration.ofSeconds(10))
            .nativeSettings(factory -> factory.setRequestedFrameMax(131_072))
            .build();
    // end
    assertThat(config.heartbeat()).isEqualTo(Duration.ofSeconds(10));
    assertThat(config.toString()).doesNotContain("secret");
  }
}
