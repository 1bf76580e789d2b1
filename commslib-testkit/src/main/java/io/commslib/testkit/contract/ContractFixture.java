package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.testkit.Await;
import io.commslib.testkit.RecordingObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The fixture of a chapter: one transport per test, and short methods to use it with. */
abstract class ContractFixture {

  private static final AtomicInteger NAMES = new AtomicInteger();
  private static final String RUN = Long.toString(System.nanoTime() & 0xffffff, 36);

  final RecordingObserver observer = new RecordingObserver();
  private final List<Subscription> subscriptions = new ArrayList<>();
  private final List<CountDownLatch> latches = new ArrayList<>();
  TransportHarness harness;
  MessageTransport transport;
  private Set<Thread> threadsBefore;

  /**
   * Makes a harness with a transport of its own. Called before each test; the contract closes it.
   *
   * @param observer to be told by the transport's subscriptions
   * @return new harness
   * @throws Exception to fail the test
   */
  protected abstract TransportHarness createHarness(CommsObserver observer) throws Exception;

  @BeforeEach
  void open() throws Exception {
    threadsBefore = Thread.getAllStackTraces().keySet();
    harness = createHarness(observer);
    transport = harness.transport();
  }

  @AfterEach
  void ledgersBalanceAndEverythingCloses() {
    latches.forEach(CountDownLatch::countDown);
    if (harness == null) {
      return;
    }
    try {
      for (Subscription subscription : subscriptions) {
        assertThat(subscription.snapshot().imbalance())
            .as("imbalance of %s", subscription.snapshot())
            .isZero();
      }
    } finally {
      subscriptions.forEach(Subscription::close);
      harness.close();
    }
  }

  /** Threads of the library that this test has started and that still run. */
  List<String> liveThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.isAlive() && !threadsBefore.contains(thread))
        .map(Thread::getName)
        .filter(name -> name.startsWith("commslib-"))
        .toList();
  }

  static String freshName() {
    return "contract-" + RUN + "-" + NAMES.incrementAndGet();
  }

  Destination queue() {
    Destination queue = Destination.queue(freshName());
    transport.declare(DestinationConfig.builder(queue).partitions(4).build());
    return queue;
  }

  Destination topic(String... groups) {
    Destination topic = Destination.topic(freshName());
    DestinationConfig.Builder config = DestinationConfig.builder(topic).partitions(4);
    for (String group : groups) {
      config.group(group);
    }
    transport.declare(config.build());
    return topic;
  }

  /** A schedule whose attempts follow each other within milliseconds. */
  static RetrySchedule attempts(int attempts) {
    return RetrySchedule.builder()
        .attemptsAtOnce(attempts)
        .backoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5)))
        .withoutDelays()
        .build();
  }

  static SubscriptionConfig.Builder config(Destination queue) {
    return SubscriptionConfig.builder(queue).retry(attempts(3));
  }

  static SubscriptionConfig.Builder config(Destination topic, String group) {
    return SubscriptionConfig.builder(topic, group).retry(attempts(3));
  }

  Subscription subscribe(SubscriptionConfig.Builder config, MessageHandler handler) {
    Subscription subscription = transport.subscriber().subscribe(config.build(), handler);
    subscriptions.add(subscription);
    return subscription;
  }

  /** A latch that handlers may wait on: opened when the test ends, however it ends. */
  CountDownLatch latch(int count) {
    CountDownLatch latch = new CountDownLatch(count);
    latches.add(latch);
    return latch;
  }

  boolean reached(CountDownLatch latch) throws InterruptedException {
    return latch.await(harness.limit().toNanos(), TimeUnit.NANOSECONDS);
  }

  static Message message(String id) {
    return Message.builder("contract.message").id(id).build();
  }

  static Message message(String id, String key) {
    return Message.builder("contract.message").id(id).key(key).build();
  }

  PublishReceipt publish(Destination to, Message message) {
    try {
      return outcome(to, message);
    } catch (ExecutionException e) {
      throw new AssertionError("publish of " + message.id() + " failed", e.getCause());
    }
  }

  private PublishReceipt outcome(Destination to, Message message) throws ExecutionException {
    try {
      return transport
          .publisher()
          .publish(to, message)
          .toCompletableFuture()
          .get(harness.limit().toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | InterruptedException e) {
      throw new AssertionError("publish of " + message.id() + " did not complete in time", e);
    }
  }

  /** Publishes messages {@code prefix1..prefixN} of one key. */
  List<String> publishKey(Destination to, String key, String prefix, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      ids.add(prefix + i);
      publish(to, message(prefix + i, key));
    }
    return ids;
  }

  PublishException refusedAsNotSent(Destination to, Message message) {
    try {
      PublishReceipt receipt = outcome(to, message);
      throw new AssertionError("publish was confirmed: " + receipt);
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(PublishException.class);
      PublishException refusal = (PublishException) e.getCause();
      assertThat(refusal.certainty()).isEqualTo(SendCertainty.NOT_SENT);
      assertThat(refusal.messageId()).isEqualTo(message.id());
      assertThat(refusal.destination()).isEqualTo(to);
      return refusal;
    }
  }

  void await(String what, BooleanSupplier condition) {
    Await.until(what, harness.limit(), condition);
  }

  void stays(String what, BooleanSupplier condition) {
    Await.stays(what, harness.quiet(), condition);
  }

  void awaitCount(Subscription subscription, Count count, long expected) {
    await(
        count + " " + expected + " of " + subscription.config().group(),
        () -> subscription.snapshot().count(count) == expected);
  }

  List<DeadLetter> deadLetters(Destination source, String group) {
    return transport.deadLetters().list(source, group, 1_000);
  }

  List<DeadLetter> awaitDeadLetters(Destination source, String group, int expected) {
    await(
        expected + " dead letters of " + group,
        () -> deadLetters(source, group).size() >= expected);
    List<DeadLetter> letters = deadLetters(source, group);
    assertThat(letters).hasSize(expected);
    return letters;
  }

  static Set<String> idsOf(List<DeadLetter> letters) {
    return letters.stream().map(DeadLetter::messageId).collect(Collectors.toSet());
  }
}
