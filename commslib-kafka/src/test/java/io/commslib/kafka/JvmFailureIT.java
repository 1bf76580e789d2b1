package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A member whose handler throws an error of the JVM leaves its partitions to others. */
class JvmFailureIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SERVERS = KafkaServer.shared().bootstrapServers();

  private final Destination queue = Destination.queue("out-of-memory");

  @Test
  void anotherMemberTakesOverAndThisOneRejoinsAfterAPause() {
    AtomicBoolean fails = new AtomicBoolean(true);
    AtomicInteger errors = new AtomicInteger();
    List<String> byFirst = new CopyOnWriteArrayList<>();
    Set<String> bySecond = ConcurrentHashMap.newKeySet();
    try (KafkaTransport one = transport();
        KafkaTransport two = transport()) {
      one.declare(DestinationConfig.builder(queue).partitions(1).build());
      two.declare(DestinationConfig.builder(queue).partitions(1).build());
      Subscription first =
          join(
              one,
              delivery -> {
                if (fails.get()) {
                  errors.incrementAndGet();
                  throw new OutOfMemoryError("planted");
                }
                byFirst.add(delivery.message().id());
                return Settlement.done();
              });
      Subscription second =
          join(
              two,
              delivery -> {
                bySecond.add(delivery.message().id());
                return Settlement.done();
              });
      publish(one, "a", 0, 100);
      Await.until("the second has handled all", LIMIT, () -> bySecond.size() == 100);
      second.close();
      publish(one, "b", 0, 100);
      Await.until("the first fails", LIMIT, () -> errors.get() > 0);
      Await.until(
          "the first reports it", LIMIT, () -> first.health().status() == Health.Status.DOWN);
      fails.set(false);
      Await.until("the first continues", LIMIT, () -> byFirst.size() >= 100);
      Await.until(
          "the first is up again", LIMIT, () -> first.health().status() == Health.Status.UP);
      assertThat(byFirst.stream().distinct()).hasSize(100).allMatch(id -> id.startsWith("b"));
      assertThat(first.snapshot().imbalance()).isZero();
    }
  }

  private static KafkaTransport transport() {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(SERVERS).clientSetting("heartbeat.interval.ms", 100).build());
  }

  private Subscription join(KafkaTransport transport, MessageHandler handler) {
    return transport.subscriber().subscribe(SubscriptionConfig.builder(queue).build(), handler);
  }

  private void publish(KafkaTransport transport, String name, int from, int to) {
    for (int i = from; i < to; i++) {
      Message message = Message.builder("t").id(name + i).key("k" + i % 10).build();
      transport.publisher().publish(queue, message).toCompletableFuture().join();
    }
  }
}
