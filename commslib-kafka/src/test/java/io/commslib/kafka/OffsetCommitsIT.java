package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;

class OffsetCommitsIT {

  @Test
  void theFinalCommitSucceedsDespiteAWakeup() {
    String servers = KafkaServer.shared().bootstrapServers();
    Destination topic = Destination.topic("woken");
    TopicPartition partition = new TopicPartition(KafkaNames.topic(topic), 0);
    try (KafkaTransport transport =
            KafkaTransport.create(KafkaTransportConfig.builder(servers).build());
        SystemRuntime runtime = SystemRuntime.create();
        KafkaConsumer<byte[], ByteBuffer> consumer =
            new KafkaConsumer<>(
                Map.of("bootstrap.servers", servers, "group.id", "woken"),
                new ByteArrayDeserializer(),
                new BodyDeserializer())) {
      transport.declare(DestinationConfig.builder(topic).partitions(1).build());
      consumer.assign(List.of(partition));
      PartitionLedger ledger = new PartitionLedger(partition, runtime.time().nanoTime());
      ledger.begin(0);
      ledger.accepted(0);
      ledger.finished(0);
      OffsetCommits commits = new OffsetCommits(consumer, runtime.time());
      consumer.wakeup();
      commits.commitOnRevoke(List.of(ledger), Duration.ofSeconds(30));
      assertThat(commits.lastError()).isEmpty();
      assertThat(consumer.committed(Set.of(partition)).get(partition).offset()).isEqualTo(1);
    }
  }
}
