package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.UnsupportedCapabilityException;
import io.commslib.testkit.sabotage.Saboteur;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on groups and their members. */
abstract class GroupChapter extends ContractFixture {

  @Test
  @DisplayName("Every group of a topic gets each message")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void everyGroupGetsEachMessage() {
    Destination topic = topic("a", "b");
    RecordingHandler first = RecordingHandler.done();
    RecordingHandler second = RecordingHandler.done();
    subscribe(config(topic, "a"), first);
    subscribe(config(topic, "b"), second);
    List<String> ids = publishKey(topic, "k", "m", 20);
    await("both groups handled all", () -> first.count() >= 20 && second.count() >= 20);
    assertThat(first.ids()).isEqualTo(ids);
    assertThat(second.ids()).isEqualTo(ids);
  }

  @Test
  @DisplayName("A stalled group does not delay another group")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void aStalledGroupDoesNotDelayOthers() {
    Destination topic = topic("stalled", "working");
    CountDownLatch release = latch(1);
    RecordingHandler stands =
        RecordingHandler.answering(
            delivery -> {
              reached(release);
              return Settlement.done();
            });
    RecordingHandler flows = RecordingHandler.done();
    subscribe(config(topic, "stands").maxInFlight(8), stands);
    subscribe(config(topic, "flows"), flows);
    for (int i = 0; i < 40; i++) {
      publish(topic, message("m" + i));
    }
    await("the working group handled all", () -> flows.count() == 40);
    assertThat(stands.count()).isLessThan(40);
    release.countDown();
    await("the other group handled all too", () -> stands.count() == 40);
  }

  @Test
  @DisplayName("A message settled by one group is not settled for another")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void groupsSettleSeparately() {
    Destination topic = topic("a", "b");
    RecordingHandler drops = RecordingHandler.answering(delivery -> Settlement.drop("not mine"));
    RecordingHandler retries =
        RecordingHandler.answering(
            delivery -> delivery.attempt() < 3 ? Settlement.retry() : Settlement.done());
    Subscription first = subscribe(config(topic, "a"), drops);
    Subscription second = subscribe(config(topic, "b"), retries);
    publish(topic, message("m1", "k"));
    awaitCount(first, Count.DROPPED, 1);
    awaitCount(second, Count.DONE, 1);
    assertThat(drops.attempts("m1")).containsExactly(1);
    assertThat(retries.attempts("m1")).containsExactly(1, 2, 3);
  }

  @Test
  @DisplayName("A queue has one group; another is refused")
  @BrokenBy(Saboteur.LETS_ANY_GROUP_IN)
  void queueRefusesAnotherGroup() {
    Destination queue = queue();
    subscribe(config(queue), RecordingHandler.done());
    assertThatThrownBy(() -> subscribe(config(queue, "other"), RecordingHandler.done()))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining("other");
  }

  @Test
  @DisplayName("Members of one group share its messages: each is handled once")
  @BrokenBy(Saboteur.SPLITS_GROUPS)
  void membersShareTheMessages() {
    Destination topic = topic("g");
    RecordingHandler first = RecordingHandler.done();
    RecordingHandler second = RecordingHandler.done();
    subscribe(config(topic, "g"), first);
    subscribe(config(topic, "g"), second);
    for (int i = 0; i < 100; i++) {
      publish(topic, message("m" + i, "k" + i % 30));
    }
    await("100 handled", () -> first.count() + second.count() >= 100);
    stays("no message handled twice", () -> first.count() + second.count() == 100);
    assertThat(Stream.concat(first.ids().stream(), second.ids().stream())).doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("With PARALLEL_MEMBERS all members work; without it one does and the others wait")
  @BrokenBy(Saboteur.STARVES_MEMBERS)
  void membersWorkInParallelAsDeclared() {
    Destination topic = topic("g");
    RecordingHandler first = RecordingHandler.done();
    RecordingHandler second = RecordingHandler.done();
    Subscription working = subscribe(config(topic, "g").maxInFlight(8), first);
    subscribe(config(topic, "g").maxInFlight(8), second);
    boolean parallel = transport.capabilities(topic).has(Capability.PARALLEL_MEMBERS);
    int[] published = {0};
    if (!parallel) {
      publish(topic, message("alone", "k"));
      await("the first member works", () -> first.count() + second.count() == 1);
      assertThat(List.of(first.count(), second.count())).contains(0);
      if (first.count() == 1) {
        working.drain(harness.limit());
        working.close();
      }
    }
    await(
        "the other member works",
        () -> {
          publish(topic, message("m" + published[0], "k" + published[0]++ % 50));
          return second.count() > 0 && (!parallel || first.count() > 0);
        });
  }

  @Test
  @DisplayName("The order of a key holds across all members of a group, also when one leaves")
  @BrokenBy(Saboteur.SWAPS_MESSAGES_OF_A_KEY)
  void orderHoldsOverMembers() {
    Destination topic = topic("g");
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(topic, "g").maxInFlight(16), handled);
    Subscription leaves = subscribe(config(topic, "g").maxInFlight(16), handled);
    List<String> keys = List.of("a", "b", "c", "d", "e", "f");
    for (int i = 0; i < 120; i++) {
      if (i == 60) {
        leaves.drain(harness.limit());
        leaves.close();
      }
      publish(topic, message("m" + i, keys.get(i % keys.size())));
    }
    await("all handled", () -> handled.ids().stream().distinct().count() == 120);
    for (int k = 0; k < keys.size(); k++) {
      List<String> expected = new ArrayList<>();
      for (int i = k; i < 120; i += keys.size()) {
        expected.add("m" + i);
      }
      assertThat(handled.firstOfKey(keys.get(k))).isEqualTo(expected);
    }
  }

  @Test
  @DisplayName("A new group with LATEST starts after the existing messages")
  @BrokenBy(Saboteur.MERGES_GROUPS)
  void latestStartsAfterExistingMessages() {
    Destination topic = topic("old");
    publish(topic, message("before"));
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(topic, "new").startAt(StartPosition.LATEST), handled);
    publish(topic, message("after"));
    await("after handled", () -> handled.ids().contains("after"));
    stays("nothing but after", () -> handled.ids().equals(List.of("after")));
  }

  @Test
  @DisplayName(
      "A new group with EARLIEST gets the existing messages, or the subscription is refused")
  @BrokenBy(Saboteur.FORGETS_DEMANDS)
  void earliestIsKeptOrRefused() {
    Destination topic = topic("old");
    publish(topic, message("before"));
    RecordingHandler handled = RecordingHandler.done();
    SubscriptionConfig.Builder config = config(topic, "new").startAt(StartPosition.EARLIEST);
    if (transport.capabilities(topic).has(Capability.START_EARLIEST)) {
      subscribe(config, handled);
      await("before handled", () -> handled.ids().equals(List.of("before")));
    } else {
      assertThatThrownBy(() -> subscribe(config, handled))
          .isInstanceOf(UnsupportedCapabilityException.class)
          .hasMessageContaining("startAt: EARLIEST");
    }
  }
}
