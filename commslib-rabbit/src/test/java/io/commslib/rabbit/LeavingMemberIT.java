package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A draining consumer stays the active one until it has finished: no other overtakes it. */
class LeavingMemberIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int MESSAGES = 20;

  private final List<Integer> handled = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch proceed = new CountDownLatch(1);

  @Test
  void theNextConsumerStartsWhereTheDrainingOneEnded() throws Exception {
    Destination queue = Destination.queue("leaving");
    try (RabbitTransport first = RabbitTransport.create(RabbitServer.shared().uri());
        RabbitTransport second = RabbitTransport.create(RabbitServer.shared().uri())) {
      first.declare(DestinationConfig.builder(queue).build());
      Subscription draining =
          subscribe(
              first,
              queue,
              delivery -> {
                started.countDown();
                proceed.await();
                return record(delivery.message());
              });
      publish(first, queue);
      started.await();
      second.declare(DestinationConfig.builder(queue).build());
      subscribe(second, queue, delivery -> record(delivery.message()));

      draining.stopIntake();
      CompletableFuture<Boolean> drained =
          CompletableFuture.supplyAsync(() -> draining.drain(LIMIT));
      // Time for the second consumer to overtake.
      for (int i = 0; i < 50 && handled.isEmpty(); i++) {
        LockSupport.parkNanos(10_000_000);
      }
      proceed.countDown();

      assertThat(drained.join()).isTrue();
      Await.until("all are handled", LIMIT, () -> handled.size() >= MESSAGES);
      assertThat(handled)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, MESSAGES).boxed().toList());
    }
  }

  /** The drain gives nothing back before the running handler has settled its message. */
  @Test
  void aDrainThatTimesOutGivesNothingToTheNextConsumerUntilItsHandlerHasEnded() throws Exception {
    Destination queue = Destination.queue("leaving-late");
    try (RabbitTransport first = RabbitTransport.create(RabbitServer.shared().uri());
        RabbitTransport second = RabbitTransport.create(RabbitServer.shared().uri())) {
      first.declare(DestinationConfig.builder(queue).build());
      Subscription draining =
          subscribe(
              first,
              queue,
              delivery -> {
                started.countDown();
                proceed.await();
                return record(delivery.message());
              });
      publish(first, queue);
      started.await();
      second.declare(DestinationConfig.builder(queue).build());
      subscribe(second, queue, delivery -> record(delivery.message()));

      for (int i = 0; i < 3; i++) {
        assertThat(draining.drain(Duration.ofMillis(50))).isFalse();
      }
      assertThat(handled).isEmpty();
      proceed.countDown();

      assertThat(draining.drain(LIMIT)).isTrue();
      Await.until("all are handled", LIMIT, () -> handled.size() >= MESSAGES);
      assertThat(handled)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, MESSAGES).boxed().toList());
    }
  }

  /** The records of a batch that fails during a drain are returned together, and in order. */
  @Test
  void aBatchThatFailsDuringADrainIsReturnedInOrder() throws Exception {
    Destination queue = Destination.queue("leaving-batch");
    try (RabbitTransport first = RabbitTransport.create(RabbitServer.shared().uri());
        RabbitTransport second = RabbitTransport.create(RabbitServer.shared().uri())) {
      first.declare(DestinationConfig.builder(queue).build());
      publish(first, queue);
      BatchHandler failing =
          batch -> {
            started.countDown();
            proceed.await();
            throw new IllegalStateException("planted");
          };
      Subscription draining =
          first
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue)
                      .workers(2)
                      .maxInFlight(8)
                      .batch(BatchBounds.of(4))
                      .build(),
                  failing);
      started.await();
      second.declare(DestinationConfig.builder(queue).build());
      subscribe(second, queue, delivery -> record(delivery.message()));

      CompletableFuture<Boolean> drained =
          CompletableFuture.supplyAsync(() -> draining.drain(LIMIT));
      Await.until("it drains", LIMIT, () -> draining.state() == LifecycleState.DRAINING);
      proceed.countDown();

      assertThat(drained.join()).isTrue();
      Await.until("all are handled", LIMIT, () -> handled.size() >= MESSAGES);
      assertThat(handled)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, MESSAGES).boxed().toList());
    }
  }

  private static void publish(RabbitTransport transport, Destination queue) {
    for (int i = 1; i <= MESSAGES; i++) {
      Message message = Message.builder("t").id(Integer.toString(i)).key("k").build();
      transport.publisher().publish(queue, message).toCompletableFuture().join();
    }
  }

  private Settlement record(Message message) {
    handled.add(Integer.valueOf(message.id()));
    return Settlement.done();
  }

  /** Limits the prefetch, so that the broker keeps messages for the next consumer. */
  private static Subscription subscribe(
      RabbitTransport transport, Destination queue, MessageHandler handler) {
    return transport
        .subscriber()
        .subscribe(SubscriptionConfig.builder(queue).workers(2).maxInFlight(5).build(), handler);
  }
}
