package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.kafka.KafkaBinding;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.ConsumerMode;
import io.commslib.rabbit.RabbitBinding;
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
  void theNamesOfOthersAreAccepted() {
    // snippet: kafka-binding
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("k1:9092")
            .bind(
                Destination.topic("orders"),
                KafkaBinding.topic("order.created")
                    .group("ship", "inventory-group")
                    .deadLetters("ship", "order.created.DLT")
                    .existing())
            .build();
    // end
    assertThat(config.toString()).contains("topic:orders=KafkaBinding{order.created");
    // snippet: javadoc-kafka-binding
    KafkaBinding binding =
        KafkaBinding.topic("order.created")
            .group("ship", "inventory-group")
            .deadLetters("ship", "order.created.DLT")
            .existing();
    // end
    assertThat(config.toString()).contains(binding.toString());
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

  @Test
  void theBindingsOfRabbitAreAccepted() {
    Destination events = Destination.topic("events");
    Destination tasks = Destination.queue("tasks");
    // snippet: rabbit-bindings
    RabbitTransportConfig config =
        RabbitTransportConfig.builder("amqp://orders:secret@localhost:5672/shop")
            .bind(
                events,
                RabbitBinding.exchange("domain-events", "topic")
                    .routingKey(Message::type)
                    .queue("ship", "shipping", "order.*", "payment.failed"))
            .bind(
                tasks,
                RabbitBinding.existingQueue("tasks", ConsumerMode.COMPETING)
                    .deadLetterQueue("tasks.dead"))
            .build();
    // end
    assertThat(config.toString()).contains("topic:events", "queue:tasks");
  }
}
