package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.junit.jupiter.api.Test;

class ClientSettingsTest {

  private static final int MEBIBYTE = 1024 * 1024;

  private static SubscriptionConfig.Builder config() {
    return SubscriptionConfig.builder(Destination.queue("orders"));
  }

  @Test
  void aPollOfTheLargestBodiesStaysWithinTheBytesInFlight() {
    SubscriptionConfig config = config().maxInFlightBytes(64L * MEBIBYTE).build();
    assertThat(ClientSettings.pollRecords(config, MEBIBYTE)).isEqualTo(64);
    assertThat(ClientSettings.pollRecords(config, 64 * MEBIBYTE)).isEqualTo(1);
    assertThat(ClientSettings.pollRecords(config, 1_024)).isEqualTo(500);
  }

  @Test
  void aPollStaysWithinTheMessagesInFlight() {
    SubscriptionConfig config = config().workers(2).maxInFlight(10).build();
    assertThat(ClientSettings.pollRecords(config, 1_024)).isEqualTo(10);
  }

  @Test
  void theConsumerOfAGroupHasTheLimitOfAPoll() {
    KafkaTransportConfig transport =
        KafkaTransportConfig.builder("host:9092").maxMessageBytes(MEBIBYTE).build();
    SubscriptionConfig config = config().maxInFlightBytes(8L * MEBIBYTE).build();
    assertThat(ClientSettings.groupConsumer(transport, config, "g"))
        .containsEntry(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 8);
  }

  @Test
  void theIdOfAStaticMemberIsValidForEachGroup() {
    KafkaTransportConfig transport =
        KafkaTransportConfig.builder("host:9092").memberId("m-1").build();
    Map<String, String> ids =
        Map.of(
            "orders.ship",
            "orders.ship.m-1",
            "my group/ä",
            "my_group__.m-1",
            "g".repeat(245),
            "g".repeat(245) + ".m-1",
            "g".repeat(246),
            "m-1");
    ids.forEach(
        (group, id) -> {
          Map<String, Object> settings =
              ClientSettings.groupConsumer(transport, config().build(), group);
          assertThat(settings).containsEntry(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, id);
          new ConsumerConfig(settings);
        });
  }

  @Test
  void nothingIsCompressedUnlessItIsSet() {
    KafkaTransportConfig.Builder config = KafkaTransportConfig.builder("host:9092");
    assertThat(ClientSettings.producer(config.build()))
        .containsEntry(ProducerConfig.COMPRESSION_TYPE_CONFIG, "none");
    assertThat(ClientSettings.producer(config.compression(Compression.LZ4).build()))
        .containsEntry(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config.clientSetting("compression.type", "lz4"));
  }

  @Test
  void batchesAreLargeUnlessTheApplicationSetsTheirSize() {
    KafkaTransportConfig.Builder config = KafkaTransportConfig.builder("host:9092");
    assertThat(ClientSettings.producer(config.build()))
        .containsEntry(ProducerConfig.BATCH_SIZE_CONFIG, 131_072);
    assertThat(ClientSettings.producer(config.clientSetting("batch.size", "16384").build()))
        .containsEntry(ProducerConfig.BATCH_SIZE_CONFIG, "16384");
  }

  @Test
  void theLargestRecordFitsIntoARequestAndIntoTheBuffer() {
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("host:9092").maxMessageBytes(64 * MEBIBYTE).build();
    int largest = RecordSizes.groupTopic(RecordSizes.topic(64 * MEBIBYTE));
    assertThat(ClientSettings.MAX_RECORD_BYTES).isGreaterThan(largest);
    assertThat(
            ((Long) ClientSettings.producer(config).get(ProducerConfig.BUFFER_MEMORY_CONFIG))
                .intValue())
        .isGreaterThanOrEqualTo(largest);
  }

  @Test
  void theClientWaitsAtMostTwoSecondsForATopicAndAllRoundsTogetherThePublishTimeout() {
    for (Duration timeout : List.of(Duration.ofSeconds(1), Duration.ofSeconds(15))) {
      KafkaTransportConfig config =
          KafkaTransportConfig.builder("host:9092").publishTimeout(timeout).build();
      int block = (Integer) ClientSettings.producer(config).get(ProducerConfig.MAX_BLOCK_MS_CONFIG);
      assertThat(block).isLessThanOrEqualTo(2_000);
      assertThat(Duration.ofMillis((long) block * ClientSettings.bufferWaitRounds(config)))
          .isEqualTo(timeout);
    }
  }
}
