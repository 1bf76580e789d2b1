package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class KafkaClusterIT {

  @Test
  void keepsAcknowledgedRecordsWhenALeaderIsKilledAndRestarts() throws Exception {
    Set<Long> pids;
    try (KafkaCluster cluster = KafkaCluster.start();
        KafkaClient client = new KafkaClient(cluster.bootstrapServers())) {
      client.createTopic("orders");
      client.write("orders", 0, 50);
      KafkaServer leader = cluster.broker(client.leader("orders"));
      leader.kill();
      client.write("orders", 50, 50);
      leader.restart();
      assertThat(client.read("orders", 100)).containsExactlyElementsOf(KafkaClient.values(0, 100));
      pids =
          cluster.brokers().stream()
              .flatMap(broker -> broker.pids().stream())
              .collect(Collectors.toSet());
      assertThat(pids).hasSize(3);
    }
    assertThat(Processes.awaitGone(pids)).isTrue();
  }

  @Test
  void refusesSizesOutOfRange() {
    assertThatThrownBy(() -> KafkaCluster.start(0, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("brokers: 0 (expected: 1..9)");
  }
}
