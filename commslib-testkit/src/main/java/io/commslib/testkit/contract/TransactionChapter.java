package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on handlers in a transaction with an inbox: one for each outcome. */
abstract class TransactionChapter extends ContractFixture {

  private final TransactionRunner transactions = InMemoryTransactionRunner.create();
  private final RememberingInbox inbox = new RememberingInbox(transactions.database());

  /** The ids of the messages of committed transactions, in commit order. */
  private final List<String> effects = new CopyOnWriteArrayList<>();

  /** A handler that has an effect in its transaction before it returns. */
  private RecordingHandler effective(MessageHandler answer) {
    return RecordingHandler.answering(
        delivery -> {
          String id = delivery.message().id();
          delivery.transaction().unwrap(InMemoryTransaction.class).onCommit(() -> effects.add(id));
          return answer.handle(delivery);
        });
  }

  private Subscription subscribeWithInbox(Destination queue, RecordingHandler handled) {
    return subscribe(config(queue).transactional(transactions, inbox), handled);
  }

  /** The first attempt ends with the outcome under test and the second with done: one effect. */
  private void rollsBackAndRunsAgain(MessageHandler first) {
    Destination queue = queue();
    AtomicBoolean again = new AtomicBoolean();
    List<Integer> effectsBefore = new CopyOnWriteArrayList<>();
    RecordingHandler handled =
        effective(
            delivery -> {
              if (again.compareAndSet(false, true)) {
                return first.handle(delivery);
              }
              effectsBefore.add(effects.size());
              return Settlement.done();
            });
    Subscription subscription = subscribeWithInbox(queue, handled);
    publish(queue, message("m1", "k"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.count()).isEqualTo(2);
    assertThat(effectsBefore).containsExactly(0);
    assertThat(effects).containsExactly("m1");
    assertThat(subscription.snapshot().count(Count.DUPLICATE)).isZero();
  }

  @Test
  @DisplayName("Transaction: done commits")
  @BrokenBy(Saboteur.COMMITS_NOTHING)
  void doneCommits() {
    Destination queue = queue();
    Subscription subscription = subscribeWithInbox(queue, effective(delivery -> Settlement.done()));
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(effects).containsExactly("m1");
  }

  @Test
  @DisplayName("Transaction: drop commits")
  @BrokenBy(Saboteur.COMMITS_NOTHING)
  void dropCommits() {
    Destination queue = queue();
    Subscription subscription =
        subscribeWithInbox(queue, effective(delivery -> Settlement.drop("not wanted")));
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DROPPED, 1);
    assertThat(effects).containsExactly("m1");
  }

  @Test
  @DisplayName("Transaction: retry rolls back, inbox entry included")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void retryRollsBack() {
    rollsBackAndRunsAgain(delivery -> Settlement.retry());
  }

  @Test
  @DisplayName("Transaction: giveBack rolls back, inbox entry included")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void giveBackRollsBack() {
    rollsBackAndRunsAgain(delivery -> Settlement.giveBack());
  }

  @Test
  @DisplayName("Transaction: a throw rolls back, inbox entry included")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void throwRollsBack() {
    rollsBackAndRunsAgain(
        delivery -> {
          throw new IllegalStateException("no");
        });
  }

  @Test
  @DisplayName("Transaction: a null settlement rolls back, inbox entry included")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void nullRollsBack() {
    rollsBackAndRunsAgain(delivery -> null);
  }

  @Test
  @DisplayName("Transaction: a passed deadline rolls back, even if the handler returns done")
  @BrokenBy({Saboteur.COMMITS_EVERYTHING, Saboteur.IGNORES_DEADLINES})
  void deadlineRollsBack() {
    Destination queue = queue();
    CountDownLatch never = latch(1);
    RecordingHandler handled =
        effective(
            delivery -> {
              if (delivery.attempt() == 1) {
                waitForInterrupt(never);
              }
              return Settlement.done();
            });
    Subscription subscription =
        subscribe(
            config(queue)
                .handlerDeadline(Duration.ofMillis(100))
                .transactional(transactions, inbox),
            handled);
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("m1")).containsExactly(1, 2);
    assertThat(effects).containsExactly("m1");
  }

  private void waitForInterrupt(CountDownLatch never) {
    try {
      reached(never);
    } catch (InterruptedException e) {
      return;
    }
  }

  @Test
  @DisplayName("Transaction: deadLetter rolls back, and the redriven message runs again")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void deadLetterRollsBackAndRedriveRuns() {
    Destination queue = queue();
    RecordingHandler handled =
        effective(
            delivery ->
                delivery.redriveCount() == 0 ? Settlement.deadLetter("no") : Settlement.done());
    Subscription subscription = subscribeWithInbox(queue, handled);
    publish(queue, message("m1"));
    awaitDeadLetters(queue, "main", 1);
    assertThat(effects).isEmpty();
    transport.deadLetters().redrive(queue, "main", letter -> true);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(effects).containsExactly("m1");
  }

  @Test
  @DisplayName("Inbox: a message handled before is settled as duplicate without its handler")
  @BrokenBy(Saboteur.FORGETS_DEMANDS)
  void duplicateIsRecognised() {
    Destination queue = queue();
    RecordingHandler handled = effective(delivery -> Settlement.done());
    Subscription subscription = subscribeWithInbox(queue, handled);
    publish(queue, message("m1", "k"));
    publish(queue, message("m1", "k"));
    publish(queue, message("m2", "k"));
    awaitCount(subscription, Count.DONE, 2);
    awaitCount(subscription, Count.DUPLICATE, 1);
    assertThat(handled.ids()).containsExactly("m1", "m2");
    assertThat(effects).containsExactly("m1", "m2");
  }

  @Test
  @DisplayName("Inbox: messages of two sources with one id are both handled")
  @BrokenBy(Saboteur.FORGETS_SOURCES)
  void idsAreUniquePerSource() {
    Destination queue = queue();
    RecordingHandler handled = effective(delivery -> Settlement.done());
    Subscription subscription = subscribeWithInbox(queue, handled);
    publish(queue, message("m1").toBuilder().source("/orders").build());
    publish(queue, message("m1").toBuilder().source("/payment").build());
    publish(queue, message("m1").toBuilder().source("/orders").build());
    awaitCount(subscription, Count.DUPLICATE, 1);
    awaitCount(subscription, Count.DONE, 2);
    assertThat(handled.seen())
        .extracting(seen -> seen.message().source())
        .containsExactlyInAnyOrder("/orders", "/payment");
    assertThat(effects).containsExactly("m1", "m1");
  }

  @Test
  @DisplayName("Inbox: an idempotency key does not depend on the source, not even one like an id")
  @BrokenBy(Saboteur.FORGETS_IDEMPOTENCY_KEYS)
  void anIdempotencyKeyIsIndependentOfTheSource() {
    Destination queue = queue();
    Subscription subscription = subscribeWithInbox(queue, effective(delivery -> Settlement.done()));
    publish(queue, message("m1", "k").toBuilder().source("/a").idempotencyKey("m2").build());
    publish(queue, message("m2", "k").toBuilder().source("/b").build());
    publish(queue, message("m3", "k").toBuilder().source("/b").idempotencyKey("m2").build());
    awaitCount(subscription, Count.DONE, 2);
    awaitCount(subscription, Count.DUPLICATE, 1);
    assertThat(effects).containsExactly("m1", "m2");
  }

  @Test
  @DisplayName("Inbox: each group of a topic handles the message once")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void eachGroupHandlesOnce() {
    Destination topic = topic("a", "b");
    Subscription first =
        subscribe(
            config(topic, "a").transactional(transactions, inbox),
            effective(delivery -> Settlement.done()));
    Subscription second =
        subscribe(
            config(topic, "b").transactional(transactions, inbox),
            effective(delivery -> Settlement.done()));
    publish(topic, message("m1"));
    awaitCount(first, Count.DONE, 1);
    awaitCount(second, Count.DONE, 1);
    assertThat(effects).containsExactly("m1", "m1");
  }

  @Test
  @DisplayName("A commit with unknown result is repeated uncounted, and the inbox decides")
  @BrokenBy(Saboteur.FORGETS_DEMANDS)
  void unknownCommitIsDecidedByTheInbox() {
    Destination queue = queue();
    RecordingHandler handled = effective(delivery -> Settlement.done());
    Subscription subscription =
        subscribe(
            config(queue).retry(attempts(1)).transactional(new BreaksAfterCommit(), inbox),
            handled);
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DUPLICATE, 1);
    assertThat(handled.attempts("m1")).containsExactly(1);
    assertThat(effects).containsExactly("m1");
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  /** The first transaction commits, and its caller gets a failure of unknown result. */
  private final class BreaksAfterCommit implements TransactionRunner {
    private final AtomicBoolean broken = new AtomicBoolean();

    @Override
    public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
      T result = transactions.run(work);
      if (broken.compareAndSet(false, true)) {
        throw new StoreException(
            "COMMS-TEST-003", FailureKind.UNKNOWN_RESULT, "connection broke in commit", null);
      }
      return result;
    }

    @Override
    public DatabaseId database() {
      return transactions.database();
    }
  }

  @Test
  @DisplayName(
      "Without transactions a handler that asks for one fails its attempt with a clear error")
  @BrokenBy(Saboteur.SWALLOWS_THROWS)
  void noTransactionUnlessConfigured() {
    Destination queue = queue();
    subscribe(
        config(queue).retry(attempts(1)),
        (Delivery delivery) -> {
          delivery.transaction();
          return Settlement.done();
        });
    publish(queue, message("m1"));
    assertThat(awaitDeadLetters(queue, "main", 1).get(0).cause().get("last-cause"))
        .contains("IllegalStateException")
        .contains("transactional");
  }
}
