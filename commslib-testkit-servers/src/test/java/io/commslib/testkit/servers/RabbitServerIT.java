package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RabbitServerIT {

  private static RabbitServer server;

  @BeforeAll
  static void start() {
    server = RabbitServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void keepsConfirmedMessagesOverAKillAndRestartsOnTheSamePort() throws Exception {
    Connection cut = connect(server);
    Channel doomed = cut.createChannel();
    doomed.queueDeclare("orders", true, false, false, Map.of());
    write(doomed, 0, 100);
    Set<Long> pids = server.pids();
    assertThat(pids).hasSizeGreaterThan(1);
    server.kill();
    assertThat(server.isRunning()).isFalse();
    assertThat(Processes.awaitGone(pids)).isTrue();
    cut.abort();
    server.restart();
    try (Connection connection = connect(server)) {
      Channel channel = connection.createChannel();
      write(channel, 100, 10);
      assertThat(read(channel, 110)).containsExactlyElementsOf(KafkaClient.values(0, 110));
    }
  }

  @Test
  void confirmsNothingWhilePaused() throws Exception {
    try (Connection connection = connect(server)) {
      Channel channel = connection.createChannel();
      channel.confirmSelect();
      channel.queueDeclare("paused", true, false, false, Map.of());
      server.pause();
      publish(channel, "paused", 1);
      assertThatThrownBy(() -> channel.waitForConfirms(1_000)).isInstanceOf(TimeoutException.class);
      server.resume();
      assertThat(channel.waitForConfirms(10_000)).isTrue();
    }
  }

  @Test
  void leavesNeitherNodeNorPortMapperBehind() {
    List<Long> before = Processes.ofThisJvm();
    RabbitServer ended = RabbitServer.start();
    List<Long> started = new ArrayList<>(Processes.ofThisJvm());
    started.removeAll(before);
    assertThat(started).hasSizeGreaterThan(2);
    ended.close();
    ended.close();
    assertThat(Processes.awaitGone(started)).isTrue();
  }

  @Test
  void failsWithTheLogWhenItDoesNotStart() {
    assertThatThrownBy(() -> RabbitServer.start(Map.of("no_such_setting", "1")))
        .isInstanceOf(ServerUnavailableException.class)
        .hasMessageContaining("failed_to_prepare_configuration");
  }

  @Test
  void theSharedServerCannotBeKilledOrClosed() throws Exception {
    RabbitServer shared = RabbitServer.shared();
    shared.close();
    assertThatThrownBy(shared::kill).isInstanceOf(IllegalStateException.class);
    connect(RabbitServer.shared()).close();
  }

  private static Connection connect(RabbitServer server) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(server.uri());
    factory.setAutomaticRecoveryEnabled(false);
    return factory.newConnection();
  }

  private static void publish(Channel channel, String queue, int number) throws Exception {
    channel.basicPublish(
        "",
        queue,
        MessageProperties.PERSISTENT_BASIC,
        Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
  }

  private static void write(Channel channel, int first, int count) throws Exception {
    channel.confirmSelect();
    for (int number = first; number < first + count; number++) {
      publish(channel, "orders", number);
    }
    channel.waitForConfirmsOrDie(10_000);
  }

  private static List<String> read(Channel channel, int count) throws Exception {
    List<String> values = new ArrayList<>();
    while (values.size() < count) {
      GetResponse response = channel.basicGet("orders", true);
      if (response == null) {
        return values;
      }
      values.add(new String(response.getBody(), StandardCharsets.US_ASCII));
    }
    return values;
  }
}
