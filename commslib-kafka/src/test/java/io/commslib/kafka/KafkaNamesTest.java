package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KafkaNamesTest {

  @Test
  void recognisesItsOwnDelayTopics() {
    String name = KafkaNames.delay(Destination.queue("orders"), "main", Duration.ofSeconds(10));
    assertThat(name).isEqualTo("orders.queue.main.delay-10000");
    assertThat(KafkaNames.isReserved(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "7", "orders7", "y-10", "delay-10", ".delay-", "a.delay-10x", "a.delay-x10"})
  void recognisesNoOtherTopicAsADelayTopic(String name) {
    assertThat(KafkaNames.isReserved(name)).isFalse();
  }
}
