package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;

/**
 * Members join and leave a group regularly while messages flow. A further member of the test
 * handles nothing: a rebalance lasts until it polls.
 */
class DrainWhileMembersJoinIT {

  private static final int ROUNDS = 3;

  /** The common pool may have a single thread: blocking tasks need threads of their own. */
  private static final Executor THREADS = body -> new Thread(body).start();

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SERVERS = KafkaServer.shared().bootstrapServers();

  private final Destination queue = Destination.queue("comes-and-goes");
  private final String group = KafkaNames.groupId(queue, "main");
  private final Map<String, Integer> handled = new ConcurrentHashMap<>();
  private final AtomicBoolean flowing = new AtomicBoolean(true);
  private final AtomicInteger published = new AtomicInteger();

  @Test
  void noHandledMessageIsRedelivered() throws Exception {
    try (KafkaTransport transport = transport();
        Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
      transport.declare(DestinationConfig.builder(queue).partitions(8).build());
      CompletableFuture<?> publisher =
          CompletableFuture.runAsync(() -> publish(transport), THREADS);
      AtomicInteger byLeaver = new AtomicInteger();
      Subscription leaver = join(transport, byLeaver);
      try (KafkaConsumer<byte[], byte[]> holder = holder()) {
        for (int round = 0; round < ROUNDS; round++) {
          AtomicInteger counted = byLeaver;
          int some = byLeaver.get() + 50;
          poll(holder, () -> !holder.assignment().isEmpty() && counted.get() > some);
          AtomicInteger byJoiner = new AtomicInteger();
          CompletableFuture<Subscription> joins =
              CompletableFuture.supplyAsync(() -> join(transport, byJoiner), THREADS);
          Await.until("a rebalance waits for the holder", LIMIT, () -> isRebalancing(admin));
          int until = byLeaver.get() + 100;
          Await.until("some are handled during the rebalance", LIMIT, () -> counted.get() > until);
          assertThat(isRebalancing(admin)).isTrue();
          Subscription leaves = leaver;
          CompletableFuture<Boolean> drained =
              CompletableFuture.supplyAsync(
                  () -> {
                    boolean idle = leaves.drain(LIMIT);
                    leaves.close();
                    return idle;
                  },
                  THREADS);
          Await.until("drain has begun", LIMIT, () -> isDraining(leaves));
          poll(holder, CompletableFuture.allOf(drained, joins)::isDone);
          assertThat(drained.get()).isTrue();
          leaver = joins.get();
          byLeaver = byJoiner;
        }
      }
      flowing.set(false);
      publisher.join();
      Await.until("all handled", LIMIT, () -> handled.size() == published.get());
      List<Map.Entry<String, Integer>> again =
          handled.entrySet().stream().filter(one -> one.getValue() > 1).toList();
      assertThat(again).as("redelivered, of %d", published.get()).isEmpty();
    }
  }

  private static boolean isDraining(Subscription subscription) {
    return subscription.state() != LifecycleState.RUNNING;
  }

  private static KafkaTransport transport() {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(SERVERS).clientSetting("heartbeat.interval.ms", 100).build());
  }

  private KafkaConsumer<byte[], byte[]> holder() {
    KafkaConsumer<byte[], byte[]> holder =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                SERVERS,
                "group.id",
                group,
                "enable.auto.commit",
                false,
                "heartbeat.interval.ms",
                100,
                "partition.assignment.strategy",
                CooperativeStickyAssignor.class.getName()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    // It owns these partitions, so that the other members own those of the source.
    holder.subscribe(List.of(KafkaNames.redrive(queue, "main")));
    return holder;
  }

  /** Polls without reading from the assigned partitions. */
  private static void poll(KafkaConsumer<byte[], byte[]> holder, BooleanSupplier until) {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!until.getAsBoolean()) {
      assertThat(System.nanoTime()).as("within the limit").isLessThan(end);
      holder.pause(holder.assignment());
      holder.poll(Duration.ofMillis(50));
    }
  }

  private boolean isRebalancing(Admin admin) {
    try {
      return admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState()
          == GroupState.PREPARING_REBALANCE;
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private Subscription join(KafkaTransport transport, AtomicInteger count) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(queue).build(),
            delivery -> {
              handled.merge(delivery.message().id(), 1, Integer::sum);
              count.incrementAndGet();
              return Settlement.done();
            });
  }

  private void publish(KafkaTransport transport) {
    while (flowing.get()) {
      int number = published.getAndIncrement();
      Message message = Message.builder("t").id("m" + number).key("k" + number % 100).build();
      transport.publisher().publish(queue, message).toCompletableFuture().join();
    }
  }
}
