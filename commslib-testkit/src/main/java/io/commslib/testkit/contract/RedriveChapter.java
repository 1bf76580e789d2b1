package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the order in which dead letters are redriven, one by one. */
abstract class RedriveChapter extends ContractFixture {

  /** Fails each message until it is redriven. */
  private static RecordingHandler failingOnce() {
    return RecordingHandler.answering(
        delivery -> delivery.redriveCount() == 0 ? Settlement.deadLetter("no") : Settlement.done());
  }

  @Test
  @DisplayName(
      "redrive: the selection is asked just before each send, so that a caller can pace it")
  @BrokenBy(Saboteur.SELECTS_AHEAD)
  void theSelectionIsAskedJustBeforeTheSend() {
    Destination queue = queue();
    RecordingHandler handled = failingOnce();
    subscribe(config(queue), handled);
    publishKey(queue, "k", "m", 3);
    awaitDeadLetters(queue, "main", 3);
    AtomicInteger asked = new AtomicInteger();
    transport
        .deadLetters()
        .redrive(
            queue,
            "main",
            letter -> {
              int before = asked.getAndIncrement();
              await("the letters before it are handled", () -> handled.count() == 3 + before);
              return true;
            });
    assertThat(asked).hasValue(3);
  }

  @Test
  @DisplayName(
      "redrive: a failure of the selection ends the call; sent letters are sent, the rest stays")
  @BrokenBy(Saboteur.SELECTS_AHEAD)
  void aFailingSelectionEndsTheCall() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), failingOnce());
    publishKey(queue, "k", "m", 3);
    awaitDeadLetters(queue, "main", 3);
    assertThatThrownBy(
            () ->
                transport
                    .deadLetters()
                    .redrive(
                        queue,
                        "main",
                        letter -> {
                          if (letter.messageId().equals("m2")) {
                            throw new UnsupportedOperationException("enough");
                          }
                          return true;
                        }))
        .isInstanceOf(UnsupportedOperationException.class);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(idsOf(deadLetters(queue, "main"))).containsExactlyInAnyOrder("m2", "m3");
  }

  @Test
  @DisplayName("redrive: letters are redriven oldest first, so those of a key in their order")
  @BrokenBy(Saboteur.REDRIVES_BACKWARDS)
  void theOldestIsRedrivenFirst() {
    Destination queue = queue();
    RecordingHandler handled = failingOnce();
    subscribe(config(queue), handled);
    List<String> ids = publishKey(queue, "k", "m", 5);
    awaitDeadLetters(queue, "main", 5);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    await("all handled again", () -> handled.count() == 10);
    assertThat(handled.ids().subList(5, 10)).isEqualTo(ids);
  }

  @Test
  @DisplayName(
      "redrive: a message that fails for another cause has that cause, and each field once")
  @BrokenBy(Saboteur.HIDES_CAUSES)
  void aLaterCauseReplacesTheEarlier() {
    Destination queue = queue();
    AtomicBoolean again = new AtomicBoolean();
    subscribe(
        config(queue),
        delivery -> {
          throw again.get()
              ? new UnsupportedOperationException("second cause")
              : new IllegalStateException("first cause");
        });
    publish(queue, message("m1", "k"));
    DeadLetter before = awaitDeadLetters(queue, "main", 1).get(0);
    again.set(true);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    await(
        "dead-lettered again",
        () -> deadLetters(queue, "main").stream().anyMatch(l -> l.redriveCount() == 1));
    DeadLetter after = deadLetters(queue, "main").get(0);
    assertThat(after.fingerprint()).contains("UnsupportedOperation");
    assertThat(after.cause().toString()).contains("second cause").doesNotContain("first cause");
    assertThat(after.cause().keySet()).containsExactlyInAnyOrderElementsOf(before.cause().keySet());
    assertThat(after.message().orElseThrow().headers())
        .isEqualTo(before.message().orElseThrow().headers());
  }

  @Test
  @DisplayName("redrive: a traceparent is kept over retries, dead letter and redrive")
  @BrokenBy(Saboteur.FORGETS_TRACES)
  void theTraceIsKept() {
    Destination queue = queue();
    String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              if (delivery.redriveCount() == 0) {
                throw new IllegalStateException("not yet");
              }
              return Settlement.done();
            });
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1", "k").toBuilder().traceparent(trace).build());
    Message dead = awaitDeadLetters(queue, "main", 1).get(0).message().orElseThrow();
    assertThat(dead.traceparent()).contains(trace);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.seen())
        .hasSize(4)
        .allSatisfy(seen -> assertThat(seen.message().traceparent()).contains(trace));
  }

  @Test
  @DisplayName("discard: a discarded letter can't be redriven")
  @BrokenBy(Saboteur.IGNORES_DISCARD)
  void discardedIsNotRedriven() {
    Destination queue = queue();
    RecordingHandler handled = failingOnce();
    subscribe(config(queue), handled);
    publish(queue, message("m1", "k"));
    awaitDeadLetters(queue, "main", 1);
    transport.deadLetters().discard(queue, "main", letter -> true);
    assertThat(transport.deadLetters().redrive(queue, "main", letter -> true)).isZero();
    publish(queue, message("m2", "k"));
    await("m2 handled", () -> handled.ids().contains("m2"));
    assertThat(handled.ids()).containsExactly("m1", "m2");
  }

  @Test
  @DisplayName("Each group has dead letters of its own")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void groupsHaveTheirOwnDeadLetters() {
    Destination topic = topic("a", "b");
    RecordingHandler first =
        RecordingHandler.answering(
            delivery -> Settlement.deadLetter("a: " + delivery.message().id()));
    RecordingHandler second =
        RecordingHandler.answering(
            delivery ->
                delivery.message().id().equals("m2")
                    ? Settlement.deadLetter("b")
                    : Settlement.done());
    subscribe(config(topic, "a"), first);
    subscribe(config(topic, "b"), second);
    publishKey(topic, "k", "m", 2);
    assertThat(idsOf(awaitDeadLetters(topic, "a", 2))).containsExactlyInAnyOrder("m1", "m2");
    DeadLetter ofSecond = awaitDeadLetters(topic, "b", 1).get(0);
    assertThat(ofSecond.messageId()).isEqualTo("m2");
    assertThat(ofSecond.reason()).isEqualTo("b");
  }

  @Test
  @DisplayName("list: a limit out of range is refused with the rule")
  @BrokenBy(Saboteur.TAKES_ANY_LIMIT)
  void listRefusesLimitsOutOfRange() {
    Destination queue = queue();
    subscribe(config(queue), RecordingHandler.done());
    for (int limit : new int[] {0, -1, 100_001}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> transport.deadLetters().list(queue, "main", limit))
          .withMessage("limit: " + limit + " (expected: 1..100000)");
    }
  }
}
