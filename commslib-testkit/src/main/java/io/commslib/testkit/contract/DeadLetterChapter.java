package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.TransportException;
import io.commslib.testkit.sabotage.Saboteur;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on listing, redriving and discarding dead letters. */
abstract class DeadLetterChapter extends ContractFixture {

  private static final int LARGE_BODY_BYTES = 900 * 1024;

  @Test
  @DisplayName("A message counted as dead-lettered is in the dead letters at that moment")
  @BrokenBy(Saboteur.LISTS_LATE)
  void countedAsDeadLetteredMeansSafe() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), delivery -> Settlement.deadLetter("no"));
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DEAD_LETTERED, 1);
    assertThat(idsOf(deadLetters(queue, "main"))).containsExactly("m1");
  }

  @Test
  @DisplayName("list returns the oldest letters first, at most the limit, and leaves them in place")
  @BrokenBy({Saboteur.LIST_REMOVES, Saboteur.REVERSES_LISTS})
  void listLeavesTheLettersInPlace() {
    Destination queue = queue();
    subscribe(config(queue), delivery -> Settlement.deadLetter("no"));
    publishKey(queue, "k", "m", 5);
    awaitDeadLetters(queue, "main", 5);
    List<DeadLetter> oldest = transport.deadLetters().list(queue, "main", 2);
    assertThat(oldest).extracting(DeadLetter::messageId).containsExactly("m1", "m2");
    assertThat(deadLetters(queue, "main")).hasSize(5);
  }

  @Test
  @DisplayName("Dead letters of two sources with the same id are both listed and distinct")
  @BrokenBy(Saboteur.FORGETS_SOURCES)
  void lettersOfTwoSourcesWithOneIdAreDistinct() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery ->
                delivery.redriveCount() == 0 ? Settlement.deadLetter("no") : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    publish(queue, message("m1").toBuilder().source("/orders").build());
    publish(queue, message("m1").toBuilder().source("/payment").build());
    awaitDeadLetters(queue, "main", 2);
    assertThat(deadLetters(queue, "main"))
        .extracting(DeadLetter::identity)
        .containsExactlyInAnyOrder("m1 /orders", "m1 /payment");
    transport
        .deadLetters()
        .redrive(queue, "main", letter -> letter.identity().equals("m1 /payment"));
    awaitCount(subscription, Count.DONE, 1);
    assertThat(handled.seen().get(2).message().source()).isEqualTo("/payment");
    assertThat(deadLetters(queue, "main"))
        .extracting(DeadLetter::identity)
        .containsExactly("m1 /orders");
  }

  @Test
  @DisplayName("A message published twice and dead-lettered twice is listed twice")
  @BrokenBy(Saboteur.REMOVES_DUPLICATES)
  void lettersOfOneMessageDoNotReplaceEachOther() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), delivery -> Settlement.deadLetter("no"));
    publish(queue, message("m1", "k"));
    publish(queue, message("m1", "k"));
    awaitCount(subscription, Count.DEAD_LETTERED, 2);
    assertThat(deadLetters(queue, "main"))
        .extracting(DeadLetter::messageId)
        .containsExactly("m1", "m1");
    assertThat(transport.deadLetters().discard(queue, "main", letter -> true)).isEqualTo(2);
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  @Test
  @DisplayName("A listing has pages; each continues after the one before it")
  @BrokenBy({Saboteur.REPEATS_PAGES, Saboteur.TRUNCATES_BODIES})
  void pagesFollowEachOther() {
    Destination queue = queue();
    Subscription subscription = subscribe(config(queue), delivery -> Settlement.deadLetter("no"));
    for (int i = 1; i <= 7; i++) {
      publish(
          queue, message("large" + i, "k").toBuilder().body(new byte[LARGE_BODY_BYTES]).build());
    }
    publishKey(queue, "k", "m", 5);
    awaitCount(subscription, Count.DEAD_LETTERED, 12);
    try (DeadLetterListing listing = transport.deadLetters().open(queue, "main")) {
      assertThat(listing.next(2))
          .extracting(DeadLetter::messageId)
          .containsExactly("large1", "large2");
      List<DeadLetter> rest = listing.next(100);
      assertThat(
              rest.stream().mapToLong(letter -> letter.message().orElseThrow().bodyLength()).sum())
          .as("bytes of a page")
          .isLessThanOrEqualTo(DeadLetterListing.MAX_PAGE_BYTES);
      List<DeadLetter> all = new ArrayList<>(rest);
      for (List<DeadLetter> page = listing.next(100);
          !page.isEmpty() && all.size() < 100;
          page = listing.next(100)) {
        all.addAll(page);
      }
      assertThat(all)
          .extracting(DeadLetter::messageId)
          .containsExactly(
              "large3", "large4", "large5", "large6", "large7", "m1", "m2", "m3", "m4", "m5");
      assertThat(all.get(0).message().orElseThrow().bodyLength()).isEqualTo(LARGE_BODY_BYTES);
    }
    assertThat(deadLetters(queue, "main")).as("left in place").hasSize(12);
  }

  @Test
  @DisplayName("redrive: the same message runs again from attempt 1 and leaves the dead letters")
  @BrokenBy(Saboteur.REDRIVES_AS_NEW)
  void redrivenRunsAgain() {
    Destination queue = queue();
    AtomicBoolean broken = new AtomicBoolean(true);
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> broken.get() ? Settlement.deadLetter("no") : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    Message sent = message("m1", "k").toBuilder().header("tenant", "a").body(new byte[3]).build();
    publish(queue, sent);
    awaitDeadLetters(queue, "main", 1);
    broken.set(false);
    assertThat(transport.deadLetters().redrive(queue, "main", letter -> true)).isEqualTo(1);
    awaitCount(subscription, Count.DONE, 1);
    RecordingHandler.Seen again = handled.seen().get(1);
    assertThat(again.message().id()).isEqualTo("m1");
    assertThat(again.message().key()).contains("k");
    assertThat(again.message().headers()).isEqualTo(sent.headers());
    assertThat(again.message().body()).isEqualTo(sent.body());
    assertThat(again.attempt()).isEqualTo(1);
    assertThat(again.redriveCount()).isEqualTo(1);
    assertThat(deadLetters(queue, "main")).isEmpty();
  }

  @Test
  @DisplayName(
      "redrive: a message that fails again becomes one dead letter with the redrive counted")
  @BrokenBy(Saboteur.REDRIVES_AS_NEW)
  void redrivenThatFailsAgainIsCounted() {
    Destination queue = queue();
    subscribe(config(queue), delivery -> Settlement.deadLetter("still no"));
    publish(queue, message("m1"));
    awaitDeadLetters(queue, "main", 1);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    await(
        "dead-lettered again with redrive count 1",
        () ->
            deadLetters(queue, "main").stream()
                .anyMatch(letter -> letter.messageId().equals("m1") && letter.redriveCount() == 1));
    assertThat(deadLetters(queue, "main")).hasSize(1);
  }

  @Test
  @DisplayName("redrive: only the failing group gets the message again")
  @BrokenBy(Saboteur.REDRIVES_TO_ALL_GROUPS)
  void redriveReachesOnlyTheFailingGroup() {
    Destination topic = topic("fails", "works");
    AtomicBoolean broken = new AtomicBoolean(true);
    RecordingHandler fails =
        RecordingHandler.answering(
            delivery -> broken.get() ? Settlement.deadLetter("no") : Settlement.done());
    RecordingHandler works = RecordingHandler.done();
    subscribe(config(topic, "fails"), fails);
    subscribe(config(topic, "works"), works);
    publish(topic, message("m1", "k"));
    awaitDeadLetters(topic, "fails", 1);
    assertThat(deadLetters(topic, "works")).isEmpty();
    broken.set(false);
    transport.deadLetters().redrive(topic, "fails", letter -> true);
    await("handled again", () -> fails.count() == 2);
    publish(topic, message("m2", "k"));
    await("m2 handled", () -> works.ids().contains("m2"));
    assertThat(works.ids()).containsExactly("m1", "m2");
  }

  @Test
  @DisplayName("redrive: only the selected letters are redriven; the others stay")
  @BrokenBy(Saboteur.IGNORES_SELECTION)
  void redriveTakesOnlyTheSelected() {
    Destination queue = queue();
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery ->
                delivery.redriveCount() == 0 ? Settlement.deadLetter("no") : Settlement.done());
    Subscription subscription = subscribe(config(queue), handled);
    publishKey(queue, "k", "m", 4);
    awaitDeadLetters(queue, "main", 4);
    int sent =
        transport.deadLetters().redrive(queue, "main", letter -> letter.messageId().equals("m2"));
    assertThat(sent).isEqualTo(1);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(idsOf(deadLetters(queue, "main"))).containsExactlyInAnyOrder("m1", "m3", "m4");
  }

  @Test
  @DisplayName("redrive: a record that can't be decoded is redriven byte for byte")
  @BrokenBy(Saboteur.HIDES_UNDECODABLE)
  void undecodableIsRedrivenAsItWas() throws Exception {
    Destination queue = queue();
    subscribe(config(queue), RecordingHandler.done());
    harness.publishForeign(queue, "k", "not ours".getBytes(StandardCharsets.UTF_8));
    awaitDeadLetters(queue, "main", 1);
    assertThat(transport.deadLetters().redrive(queue, "main", letter -> true)).isEqualTo(1);
    await(
        "dead-lettered again with redrive count 1",
        () ->
            deadLetters(queue, "main").stream()
                .anyMatch(letter -> letter.message().isEmpty() && letter.redriveCount() == 1));
  }

  @Test
  @DisplayName("discard: the selected letters are removed for good; the others stay")
  @BrokenBy({Saboteur.IGNORES_SELECTION, Saboteur.IGNORES_DISCARD})
  void discardRemovesTheSelected() {
    Destination queue = queue();
    subscribe(config(queue), delivery -> Settlement.deadLetter("no"));
    publishKey(queue, "k", "m", 3);
    awaitDeadLetters(queue, "main", 3);
    int removed =
        transport.deadLetters().discard(queue, "main", letter -> letter.messageId().equals("m3"));
    assertThat(removed).isEqualTo(1);
    assertThat(idsOf(deadLetters(queue, "main"))).containsExactlyInAnyOrder("m1", "m2");
  }

  @Test
  @DisplayName("The dead letters of an unknown group are refused, not empty")
  @BrokenBy(Saboteur.TAKES_UNKNOWN_FOR_EMPTY)
  void unknownGroupIsRefused() {
    Destination unknown = Destination.topic(freshName());
    assertThatThrownBy(() -> transport.deadLetters().list(unknown, "unknown-group", 10))
        .isInstanceOf(TransportException.class);
  }
}
