package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import io.commslib.testkit.ForwardingRuntime;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Close releases everything, on any thread and however often it is called, and so does a failed
 * start.
 */
class KafkaClosingIT {

  private static final String SERVERS = KafkaServer.shared().bootstrapServers();
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration AT_ONCE = Duration.ofSeconds(2);

  private final Set<Thread> before = threads();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void releaseAll() {
    release.countDown();
  }

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(
            thread ->
                thread.getName().startsWith("commslib-")
                    || thread.getName().startsWith("kafka-")
                    || thread.getName().startsWith("consumer_background"))
        .collect(Collectors.toSet());
  }

  private Set<String> remainingThreads() {
    Set<Thread> now = new HashSet<>(threads());
    now.removeAll(before);
    return now.stream().map(Thread::getName).collect(Collectors.toSet());
  }

  /** Threads that remain when close returns are about to end. */
  private void assertNoThreadsRemain() {
    Await.until(
        "no thread remains: " + remainingThreads(), AT_ONCE, () -> remainingThreads().isEmpty());
  }

  private static KafkaTransportConfig.Builder config() {
    return KafkaTransportConfig.builder(SERVERS)
        .publishTimeout(Duration.ofSeconds(1))
        .clientSetting("heartbeat.interval.ms", 300);
  }

  private static Destination declared(KafkaTransport transport, String name) {
    Destination queue = Destination.queue("closing-" + name);
    transport.declare(DestinationConfig.builder(queue).partitions(1).build());
    return queue;
  }

  private static Subscription subscribe(
      KafkaTransport transport, Destination queue, MessageHandler handler) {
    return transport
        .subscriber()
        .subscribe(SubscriptionConfig.builder(queue).workers(1).maxInFlight(1).build(), handler);
  }

  private static CompletableFuture<?> publish(KafkaTransport transport, Destination queue) {
    return transport
        .publisher()
        .publish(queue, Message.builder("t").id("m").build())
        .toCompletableFuture();
  }

  @Test
  void aTransportWhoseProducerRejectsItsSettingsLeavesNoThreads() {
    assertThatThrownBy(
            () -> KafkaTransport.create(config().clientSetting("batch.size", -1).build()))
        .isInstanceOf(SubscribeException.class)
        .hasMessage(
            "COMMS-KAFKA-008: clientSetting: Invalid value -1 for configuration"
                + " batch.size: Value must be at least 0"
                + " (expected: a value that kafka-clients accepts)");
    assertNoThreadsRemain();
  }

  @Test
  void aSubscriptionWhoseThreadCannotBeCreatedLeavesNoThreads() {
    for (GroupProtocol protocol : GroupProtocol.values()) {
      KafkaTransportConfig.Builder config =
          KafkaTransportConfig.builder(SERVERS).groupProtocol(protocol);
      try (SystemRuntime threads = SystemRuntime.create();
          KafkaTransport transport =
              KafkaTransport.create(config.runtime(new NoPollThreads(threads)).build())) {
        Destination queue = declared(transport, "no-thread");
        Set<String> then = remainingThreads();
        assertThatThrownBy(() -> subscribe(transport, queue, delivery -> Settlement.done()))
            .isInstanceOf(OutOfMemoryError.class);
        // A thread that notifies the observer ends shortly after its last notification.
        Await.until("no thread of it remains", LIMIT, () -> then.containsAll(remainingThreads()));
      }
      assertNoThreadsRemain();
    }
  }

  @Test
  void closesOnAnInterruptedThreadAndRestoresTheInterrupt() {
    KafkaTransport transport = KafkaTransport.create(config().build());
    Destination queue = declared(transport, "interrupted");
    Subscription first = subscribe(transport, queue, delivery -> Settlement.done());
    subscribe(transport, queue, delivery -> Settlement.done());
    publish(transport, queue).join();
    Thread.currentThread().interrupt();
    first.close();
    assertThat(Thread.interrupted()).isTrue();
    Thread.currentThread().interrupt();
    transport.close();
    assertThat(Thread.interrupted()).isTrue();
    assertNoThreadsRemain();
  }

  @Test
  void closesOnAHandlersThread() {
    KafkaTransport transport = KafkaTransport.create(config().build());
    Destination queue = declared(transport, "handler");
    CountDownLatch closed = new CountDownLatch(1);
    subscribe(
        transport,
        queue,
        delivery -> {
          transport.close();
          closed.countDown();
          return Settlement.done();
        });
    publish(transport, queue).join();
    awaitLatch(closed);
    assertNoThreadsRemain();
  }

  /** The poll thread usually notifies an observer of a paused intake. */
  @Test
  void closesOnAnObserversThreadAndOnTheProducersThread() {
    for (boolean poll : new boolean[] {true, false}) {
      AtomicReference<KafkaTransport> transport = new AtomicReference<>();
      CountDownLatch closed = new CountDownLatch(1);
      Runnable close =
          () -> {
            transport.get().close();
            closed.countDown();
          };
      CommsObserver observer =
          new CommsObserver() {
            @Override
            public void onIntakePaused(Destination destination, String group, boolean paused) {
              if (poll && paused) {
                close.run();
              }
            }
          };
      transport.set(KafkaTransport.create(config().observer(observer).build()));
      Destination queue = declared(transport.get(), "own-thread-" + poll);
      subscribe(
          transport.get(),
          queue,
          delivery -> {
            release.await();
            return Settlement.done();
          });
      CompletableFuture<?> published = publish(transport.get(), queue);
      if (!poll) {
        published = published.thenRun(close);
      }
      awaitLatch(closed);
      Await.until("no thread remains", LIMIT, () -> remainingThreads().isEmpty());
      assertThat(published).isDone();
    }
  }

  @Test
  void closesForConcurrentCallers() {
    KafkaTransport transport = KafkaTransport.create(config().build());
    Destination queue = declared(transport, "several");
    Subscription subscription = subscribe(transport, queue, delivery -> Settlement.done());
    CountDownLatch freed = new CountDownLatch(4);
    for (int i = 0; i < 4; i++) {
      AutoCloseable closes = i == 0 ? subscription : transport;
      new Thread(
              () -> {
                close(closes);
                if (closes == transport) {
                  assertNoThreadsRemain();
                }
                freed.countDown();
              },
              "closes-" + i)
          .start();
    }
    awaitLatch(freed);
    transport.close();
  }

  @Test
  void closesInTimeWhileAnApplicationHangsOnTheProducersThread() {
    KafkaTransport transport = KafkaTransport.create(config().build());
    Destination queue = declared(transport, "hangs");
    CountDownLatch hangs = new CountDownLatch(1);
    CompletableFuture<?> published =
        publish(transport, queue)
            .thenRun(
                () -> {
                  hangs.countDown();
                  awaitLatch(release);
                });
    awaitLatch(hangs);
    long start = System.nanoTime();
    transport.close();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
    release.countDown();
    Await.until("no thread remains", LIMIT, () -> remainingThreads().isEmpty());
    assertThat(published).isDone();
  }

  @Test
  void acceptsTheLongestAndShortestDrainTimeouts() {
    try (KafkaTransport transport = KafkaTransport.create(config().build())) {
      Destination queue = declared(transport, "for-long");
      Subscription subscription = subscribe(transport, queue, delivery -> Settlement.done());
      assertThat(subscription.drain(Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
      assertThat(subscription.drain(Duration.ofSeconds(Long.MIN_VALUE))).isFalse();
      subscription.close();
      assertThat(subscription.drain(Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
    }
    assertNoThreadsRemain();
  }

  private static void close(AutoCloseable closes) {
    try {
      closes.close();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Fails with an OutOfMemoryError when a subscription creates its poll thread. */
  private static final class NoPollThreads extends ForwardingRuntime {
    NoPollThreads(CommsRuntime runtime) {
      super(runtime);
    }

    @Override
    public Thread newThread(String name, Runnable body) {
      if (name.startsWith("kafka-poll")) {
        throw new OutOfMemoryError("unable to create native thread");
      }
      return super.newThread(name, body);
    }
  }
}
