package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.BlockedKeys;
import io.commslib.core.messaging.DeadLetterBreakerConfig;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on what follows a dead letter: the rest of its key, or a storm of dead letters. */
abstract class BlockedKeyChapter extends ContractFixture {

  private final BlockedKeyStore blockedKeys = new InMemoryBlockedKeyStore();
  private final AtomicBoolean broken = new AtomicBoolean(true);

  /** Fails the first message of key a while {@code broken} is set. */
  private RecordingHandler failingHead() {
    return RecordingHandler.answering(
        delivery ->
            delivery.message().id().equals("a1") && broken.get()
                ? Settlement.deadLetter("no")
                : Settlement.done());
  }

  @Test
  @DisplayName("blocked key: later messages follow the dead letter unhandled; other keys continue")
  @BrokenBy(Saboteur.FORGETS_BLOCKED_KEYS)
  void laterMessagesFollowTheDeadLetter() {
    Destination queue = queue();
    RecordingHandler handled = failingHead();
    Subscription subscription = subscribe(config(queue).blockKeyOnDeadLetter(blockedKeys), handled);
    publishKey(queue, "a", "a", 4);
    publishKey(queue, "b", "b", 3);
    awaitDeadLetters(queue, "main", 4);
    awaitCount(subscription, Count.DONE, 3);
    // A letter can be read before its delivery is counted.
    awaitCount(subscription, Count.BLOCKED, 3);
    assertThat(handled.firstOfKey("a")).containsExactly("a1");
  }

  @Test
  @DisplayName(
      "blocked key: a redriven sequence passes in order; new messages wait for the release")
  @BrokenBy(Saboteur.FORGETS_BLOCKED_KEYS)
  void aRedrivenSequencePasses() {
    Destination queue = queue();
    RecordingHandler handled = failingHead();
    Subscription subscription = subscribe(config(queue).blockKeyOnDeadLetter(blockedKeys), handled);
    BlockedKeys parked = new BlockedKeys(blockedKeys, transport.deadLetters());
    publishKey(queue, "a", "a", 3);
    awaitDeadLetters(queue, "main", 3);
    assertThat(parked.release(queue, "main")).isZero();
    broken.set(false);
    publish(queue, message("a4", "a"));
    awaitDeadLetters(queue, "main", 4);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    awaitCount(subscription, Count.DONE, 4);
    assertThat(handled.firstOfKey("a")).containsExactly("a1", "a2", "a3", "a4");
    assertThat(parked.release(queue, "main")).isEqualTo(1);
    publish(queue, message("a5", "a"));
    awaitCount(subscription, Count.DONE, 5);
  }

  @Test
  @DisplayName("A dead-letter storm of one cause pauses the route until the cause ends")
  @BrokenBy(Saboteur.IGNORES_DEAD_LETTER_BREAKER)
  void aDeadLetterStormPausesTheRoute() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (broken.get()) {
                throw new IllegalStateException("a dependency is broken");
              }
              return Settlement.done();
            });
    Subscription subscription =
        subscribe(
            config(queue)
                .retry(attempts(1))
                .deadLetterBreaker(
                    DeadLetterBreakerConfig.builder()
                        .letters(10)
                        .sharePercent(100)
                        .window(Duration.ofMinutes(10))
                        .keys(5)
                        .build()),
            handled);
    for (int i = 0; i < 40; i++) {
      publish(queue, message("m" + i, "k" + i));
    }
    await(
        "the route pauses, or all are dead-lettered",
        () ->
            subscription.snapshot().isRoutePaused()
                || subscription.snapshot().count(Count.DEAD_LETTERED) == 40);
    broken.set(false);
    assertThat(subscription.snapshot().count(Count.DEAD_LETTERED)).isLessThan(40);
    await(
        "the rest is handled",
        () ->
            subscription.snapshot().count(Count.DONE)
                    + subscription.snapshot().count(Count.DEAD_LETTERED)
                == 40);
    assertThat(subscription.snapshot().count(Count.DONE)).isPositive();
  }
}
