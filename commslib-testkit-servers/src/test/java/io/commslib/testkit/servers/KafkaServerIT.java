package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class KafkaServerIT {

  private static KafkaServer server;

  @BeforeAll
  static void start() {
    server = KafkaServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void keepsAcknowledgedRecordsOverAKillAndRestartsOnTheSamePort() throws Exception {
    try (KafkaClient client = new KafkaClient(server.bootstrapServers())) {
      client.createTopic("orders");
      client.write("orders", 0, 50);
      Set<Long> pids = server.pids();
      server.kill();
      assertThat(server.isRunning()).isFalse();
      assertThat(Processes.awaitGone(pids)).isTrue();
      server.restart();
      client.write("orders", 50, 50);
      assertThat(client.read("orders", 100)).containsExactlyElementsOf(KafkaClient.values(0, 100));
    }
  }

  @Test
  void doesNotCreateTopicsAutomatically() {
    try (KafkaClient client = new KafkaClient(server.bootstrapServers())) {
      assertThatThrownBy(() -> client.write("never-created", 0, 1))
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("never-created");
    }
  }

  @Test
  void answersNothingWhilePaused() throws Exception {
    try (KafkaClient client = new KafkaClient(server.bootstrapServers())) {
      client.createTopic("paused");
      server.pause();
      assertThat(server.isRunning()).isTrue();
      assertThatThrownBy(() -> client.write("paused", 0, 1)).isInstanceOf(ExecutionException.class);
      server.resume();
      client.write("paused", 1, 1);
    }
  }

  @Test
  void leavesNoProcessBehind() {
    KafkaServer ended = KafkaServer.start();
    Set<Long> pids = ended.pids();
    assertThat(pids).hasSize(1);
    ended.close();
    ended.close();
    assertThat(Processes.awaitGone(pids)).isTrue();
    assertThatThrownBy(ended::kill).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void failsWithTheLogWhenItDoesNotStart() {
    assertThatThrownBy(() -> KafkaServer.start(Map.of("num.io.threads", "none")))
        .isInstanceOf(ServerUnavailableException.class)
        .hasMessageContaining("num.io.threads");
  }
}
