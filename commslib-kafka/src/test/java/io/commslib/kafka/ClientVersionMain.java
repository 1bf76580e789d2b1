package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * Uses a transport from its creation to its close, with the Kafka client on the class path.
 * Arguments: the broker's address, the client's version.
 */
final class ClientVersionMain {

  static final String PASSED = "passed with ";

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private ClientVersionMain() {}

  public static void main(String[] arguments) throws Exception {
    String servers = arguments[0];
    String version = arguments[1];
    check(ClientVersion.inUse().equals(version), "client " + ClientVersion.inUse());
    int references = ApiReferences.check();
    check(references > 100, "references " + references);
    for (GroupProtocol protocol : GroupProtocol.values()) {
      KafkaTransportConfig config =
          KafkaTransportConfig.builder(servers).groupProtocol(protocol).build();
      if (version.startsWith("3.") && protocol == GroupProtocol.CONSUMER) {
        checkRejected(config);
      } else {
        use(config, "client-" + version + "-" + protocol);
      }
    }
    System.out.println(PASSED + version + ", references " + references);
  }

  private static void checkRejected(KafkaTransportConfig config) {
    try {
      KafkaTransport.create(config).close();
    } catch (SubscribeException e) {
      check(e.getMessage().contains("COMMS-KAFKA-011"), e.getMessage());
      return;
    }
    check(false, "not rejected");
  }

  private static void use(KafkaTransportConfig config, String name) {
    Destination queue = Destination.queue(name);
    Destination topic = Destination.topic(name + "-topic");
    Set<String> handled = ConcurrentHashMap.newKeySet();
    AtomicBoolean fails = new AtomicBoolean(true);
    try (KafkaTransport transport = KafkaTransport.create(config)) {
      transport.declare(DestinationConfig.builder(queue).partitions(2).build());
      transport.declare(DestinationConfig.builder(topic).partitions(2).optional().build());
      SubscriptionConfig subscription =
          SubscriptionConfig.builder(queue)
              .unordered()
              .retry(
                  RetrySchedule.builder().attemptsAtOnce(1).delays(Duration.ofMillis(300)).build())
              .build();
      Subscription first =
          transport
              .subscriber()
              .subscribe(
                  subscription,
                  delivery -> {
                    if (delivery.message().id().equals("bad") && fails.get()) {
                      throw new IllegalStateException("bad");
                    }
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      publish(transport, queue, "bad");
      for (int i = 0; i < 20; i++) {
        publish(transport, queue, "m" + i);
      }
      Await.until("handled", LIMIT, () -> handled.size() == 20);
      Await.until("dead letter", LIMIT, () -> letters(transport, queue).size() == 1);
      fails.set(false);
      check(transport.deadLetters().redrive(queue, "main", letter -> true) == 1, "redriven");
      Await.until("redriven one handled", LIMIT, () -> handled.contains("bad"));
      check(letters(transport, queue).isEmpty(), "letters left");
      // A second member, a group that starts at the end, and a member that leaves.
      Subscription second =
          transport
              .subscriber()
              .subscribe(
                  subscription,
                  delivery -> {
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      publish(transport, topic, "old");
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(topic, "late").startAt(StartPosition.LATEST).build(),
              delivery -> {
                handled.add("late " + delivery.message().id());
                return Settlement.done();
              });
      publish(transport, topic, "new");
      Await.until("new one handled", LIMIT, () -> handled.contains("late new"));
      check(!handled.contains("late old"), "old one handled");
      check(first.drain(LIMIT), "drained");
      first.close();
      publish(transport, queue, "last");
      Await.until("last handled", LIMIT, () -> handled.contains("last"));
      transport.importDeadLetters(KafkaNames.topic(topic), queue, "main", 10);
      check(letters(transport, queue).size() == 2, "imported");
      check(
          transport.health().status() == Health.Status.UP
              && second.health().status() == Health.Status.UP,
          "health " + transport.health() + " " + second.health());
    }
    Set<String> left =
        Thread.getAllStackTraces().keySet().stream()
            .map(Thread::getName)
            .filter(
                thread -> thread.startsWith("kafka-") || thread.startsWith("commslib-kafka-poll"))
            .collect(Collectors.toSet());
    check(left.isEmpty(), "threads left " + left);
  }

  private static List<DeadLetter> letters(KafkaTransport transport, Destination queue) {
    return transport.deadLetters().list(queue, "main", 100);
  }

  private static void publish(KafkaTransport transport, Destination to, String id) {
    transport
        .publisher()
        .publish(to, Message.builder("t").id(id).key("k").build())
        .toCompletableFuture()
        .join();
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }
}
