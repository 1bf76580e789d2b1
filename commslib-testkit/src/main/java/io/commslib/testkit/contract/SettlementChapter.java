package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the settlements, one or more for each. */
abstract class SettlementChapter extends ContractFixture {

  @Test
  @DisplayName("done: the message is never redelivered, not even to the next consumer")
  @BrokenBy(Saboteur.SETTLES_DONE_AS_GIVE_BACK)
  void doneIsNeverRedelivered() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    Subscription first = subscribe(config(queue), handled);
    publish(queue, message("m1", "k"));
    awaitCount(first, Count.DONE, 1);
    assertThat(first.drain(harness.limit())).isTrue();
    first.close();
    subscribe(config(queue), handled);
    publish(queue, message("m2", "k"));
    await("m2 handled", () -> handled.ids().contains("m2"));
    assertThat(handled.ids()).containsExactly("m1", "m2");
  }

  @Test
  @DisplayName("drop: settled without dead letter and counted as dropped")
  @BrokenBy(Saboteur.SETTLES_DROP_AS_DEAD_LETTER)
  void dropLeavesNoDeadLetter() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), delivery -> Settlement.drop("not wanted"));
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DROPPED, 1);
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  @Test
  @DisplayName("retry: runs again, and each attempt has its number")
  @BrokenBy({Saboteur.SETTLES_RETRY_AS_DONE, Saboteur.MISCOUNTS_ATTEMPTS})
  void retryRunsAgainWithTheNextNumber() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> delivery.attempt() < 3 ? Settlement.retry() : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("m1")).containsExactly(1, 2, 3);
  }

  @Test
  @DisplayName("retry(after): does not run again before the delay")
  @BrokenBy(Saboteur.IGNORES_RETRY_DELAYS)
  void retryAfterWaitsForTheDelay() {
    Destination queue = queue();
    Duration delay = Duration.ofMillis(400);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> delivery.attempt() == 1 ? Settlement.retry(delay) : Settlement.done());
    subscribe(config(queue), handled);
    publish(queue, message("m1"));
    assertSecondAttemptAfter(handled, delay);
  }

  @Test
  @DisplayName("retry(after): counts as an attempt")
  @BrokenBy(Saboteur.RETRIES_FOREVER)
  void retryAfterCounts() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(delivery -> Settlement.retry(Duration.ofMillis(1)));
    subscribe(config(queue).retry(attempts(2)), handled);
    publish(queue, message("m1"));
    assertThat(awaitDeadLetters(queue, "main", 1).get(0).attempts()).isEqualTo(2);
    assertThat(handled.attempts("m1")).containsExactly(1, 2);
  }

  @Test
  @DisplayName("retry: waits as scheduled")
  @BrokenBy(Saboteur.IGNORES_RETRY_DELAYS)
  void retryFollowsTheSchedule() {
    Destination queue = queue();
    Duration delay = Duration.ofMillis(400);
    RetrySchedule schedule = RetrySchedule.builder().attemptsAtOnce(1).delays(delay).build();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> delivery.attempt() == 1 ? Settlement.retry() : Settlement.done());
    subscribe(config(queue).retry(schedule), handled);
    publish(queue, message("m1"));
    assertSecondAttemptAfter(handled, delay);
  }

  private void assertSecondAttemptAfter(RecordingHandler handled, Duration delay) {
    await("second attempt", () -> handled.count() == 2);
    List<RecordingHandler.Seen> seen = handled.seen();
    assertThat(Duration.ofNanos(seen.get(1).nanos() - seen.get(0).nanos()))
        .isGreaterThanOrEqualTo(delay);
  }

  @Test
  @DisplayName("deadLetter: the group's dead letters have the message with reason and content")
  @BrokenBy(Saboteur.SWALLOWS_DEAD_LETTERS)
  void deadLetterKeepsReasonAndContent() {
    Destination queue = queue();
    Subscription subscription =
        subscribe(config(queue), delivery -> Settlement.deadLetter("unknown article"));
    publish(
        queue,
        message("m1", "k").toBuilder().header("tenant", "a").body(new byte[] {1, 2}).build());
    DeadLetter letter = awaitDeadLetters(queue, "main", 1).get(0);
    assertThat(letter.messageId()).isEqualTo("m1");
    assertThat(letter.reason()).isEqualTo("unknown article");
    assertThat(letter.attempts()).isEqualTo(1);
    assertThat(letter.message().orElseThrow().headers()).containsEntry("tenant", "a");
    assertThat(letter.message().orElseThrow().key()).contains("k");
    assertThat(letter.message().orElseThrow().body()).containsExactly(1, 2);
    awaitCount(subscription, Count.DEAD_LETTERED, 1);
  }

  @Test
  @DisplayName("giveBack: redelivered, and uncounted where the transport can tell")
  @BrokenBy({Saboteur.COUNTS_GIVE_BACK, Saboteur.SETTLES_GIVE_BACK_AS_DONE})
  void giveBackIsRedeliveredUncounted() {
    Destination queue = queue();
    AtomicInteger runs = new AtomicInteger();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> runs.incrementAndGet() <= 4 ? Settlement.giveBack() : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1", "k"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.attempts("m1")).hasSize(5);
    if (transport.capabilities(queue).has(Capability.UNCOUNTED_GIVE_BACK)) {
      assertThat(handled.attempts("m1")).containsOnly(1);
    }
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  @Test
  @DisplayName("giveBack: later messages of the key do not overtake")
  @BrokenBy(Saboteur.GIVES_BACK_TO_THE_END)
  void giveBackKeepsTheOrderOfItsKey() {
    Destination queue = queue();
    AtomicInteger runs = new AtomicInteger();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery ->
                delivery.message().id().equals("m1") && runs.incrementAndGet() == 1
                    ? Settlement.giveBack()
                    : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    subscription.pause();
    publishKey(queue, "k", "m", 5);
    subscription.resume();
    await("all handled", () -> handled.count() >= 6);
    assertThat(handled.ids()).containsExactly("m1", "m1", "m2", "m3", "m4", "m5");
  }
}
