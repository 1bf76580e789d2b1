package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** A dead-letter queue for which the application has no write permission. */
class DeadLetterTargetIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void aMessageWhoseDeadLetterIsRefusedIsKeptAndNeverTreatedAsTooLarge() throws Exception {
    Destination topic = Destination.topic("unpermitted");
    List<Trouble> troubles = new CopyOnWriteArrayList<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onTrouble(Trouble trouble) {
            troubles.add(trouble);
          }
        };
    // Queues are written through the default exchange, topics through their own. RabbitMQ 3.10
    // checks the read permission where it should check the write permission.
    Map<String, String> settings =
        Map.of(
            "default_permissions.configure", ".*",
            "default_permissions.read", "^unpermitted",
            "default_permissions.write", "^unpermitted");
    try (RabbitServer server = RabbitServer.start(settings);
        RawClient foreign = RawClient.connect(server.uri());
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder(server.uri()).observer(observer).build())) {
      transport.declare(DestinationConfig.builder(topic).group("g").build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(topic, "g").build(),
                  delivery -> Settlement.deadLetter("refused"));
      transport
          .publisher()
          .publish(topic, Message.builder("t").id("bad").key("a").body(new byte[100]).build())
          .toCompletableFuture()
          .join();
      Await.until(
          "the failure is reported",
          LIMIT,
          () ->
              troubles.stream()
                  .anyMatch(
                      trouble ->
                          trouble.kind() == Trouble.Kind.PAUSED
                              && trouble.text().startsWith("dead-letter target: ")
                              && trouble.text().contains("ACCESS_REFUSED")));
      Await.until(
          "health reports it",
          LIMIT,
          () ->
              subscription.health().status() == Health.Status.DEGRADED
                  && subscription.health().reason().startsWith("paused: dead-letter target: "));
      assertThat(troubles)
          .extracting(Trouble::kind)
          .doesNotContain(Trouble.Kind.STALLED, Trouble.Kind.DEAD_LETTERED);
      assertThat(foreign.count(RabbitNames.deadLetters(RabbitNames.queue(topic, "g")))).isZero();
      subscription.close();
      Await.until(
          "the message is back", LIMIT, () -> foreign.count(RabbitNames.queue(topic, "g")) == 1);
    }
  }
}
