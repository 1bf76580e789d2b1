package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What happens to a message that would be dead-lettered where there are no dead letters. */
class NoDeadLettersTest {

  private static final RetrySchedule TWO_ATTEMPTS =
      RetrySchedule.builder().attemptsAtOnce(2).withoutDelays().build();

  private final EngineFixture fixture = new EngineFixture().noDeadLetters();
  private final AtomicBoolean mended = new AtomicBoolean();
  private final List<String> handled = new ArrayList<>();

  /** Refuses messages with an id that begins with {@code bad} until mended. */
  private final MessageHandler handler =
      delivery -> {
        String id = delivery.message().id();
        handled.add(id + "/" + delivery.attempt());
        return id.startsWith("bad") && !mended.get()
            ? Settlement.deadLetter("NO_ORDER")
            : Settlement.done();
      };

  @Test
  void aMessageWithoutDeadLettersBlocksItsKeyAndNoOther() {
    fixture.start(fixture.config().build(), handler);
    fixture.accept("bad", "k").accept("behind", "k").accept("other", "x");
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("bad/1", "other/1");
    assertThat(fixture.acknowledged()).containsExactly("other");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason()).isEqualTo("no dead letters for bad: NO_ORDER");
    SubscriptionSnapshot ledger = fixture.engine().snapshot();
    assertThat(ledger.isRoutePaused()).isFalse();
    assertThat(ledger.count(Count.WAITING)).isEqualTo(2);
    assertThat(ledger.imbalance()).isZero();

    mended.set(true);
    fixture.time().advance(Duration.ofSeconds(6));
    assertThat(handled).containsExactly("bad/1", "other/1", "bad/2", "behind/1");
    assertThat(fixture.acknowledged()).containsExactly("other", "bad", "behind");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void itIsTriedAgainAfterGrowingWaitsAndByResume() {
    fixture.start(fixture.config().build(), handler);
    fixture.accept("bad", "k");
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(handled).containsExactly("bad/1", "bad/2", "bad/3");
    fixture.time().advance(Duration.ofHours(5));
    assertThat(handled).hasSizeBetween(30, 45);
    int before = handled.size();
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(handled).hasSize(before + 1);
    mended.set(true);
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).containsExactly("bad");
  }

  @Test
  void aMessageWithoutKeyPausesTheRouteWhileItWaitsAndOthersContinueInBetween() {
    List<Trouble> troubles = new ArrayList<>();
    fixture.start(fixture.config().build(), handler, fixture.time(), collecting(troubles));
    fixture.accept("bad", null);
    fixture.time().runUntilIdle();
    fixture.accept("other", "x").accept("another", null);
    fixture.time().advance(Duration.ofSeconds(9));
    assertThat(handled).containsExactly("bad/1");
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason())
        .isEqualTo("paused: no dead letters for bad: NO_ORDER");
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(handled.stream().filter(id -> id.startsWith("bad/")).count()).isBetween(4L, 8L);
    assertThat(fixture.acknowledged()).containsExactly("other", "another");
    assertThat(fixture.engine().health().reason())
        .isEqualTo("paused: no dead letters for bad: NO_ORDER");
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
    mended.set(true);
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).containsExactly("other", "another", "bad");
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
    assertThat(troubles.stream().map(Trouble::kind))
        .containsSubsequence(Trouble.Kind.PAUSED, Trouble.Kind.STALLED, Trouble.Kind.RESUMED);
  }

  @Test
  void anUnorderedSubscriptionPausesForAKeyedMessageToo() {
    fixture.start(fixture.config().unordered().build(), handler);
    fixture.accept("bad", "k");
    fixture.time().runUntilIdle();
    fixture.accept("other", "x");
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("bad/1");
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
  }

  @Test
  void eachMessageThatPausesTheRouteGetsItsTurnAfterWaitsOfItsOwn() {
    Set<String> mendedIds = new HashSet<>();
    fixture.start(
        fixture.config().unordered().build(),
        delivery -> {
          String id = delivery.message().id();
          handled.add(id);
          return id.startsWith("bad") && !mendedIds.contains(id)
              ? Settlement.deadLetter("NO_ORDER")
              : Settlement.done();
        });
    fixture.accept("bad1", null).accept("bad2", "k").accept("bad3", "k");
    for (int i = 0; i < 10; i++) {
      fixture.accept("other" + i, "k");
    }
    fixture.time().advance(Duration.ofMinutes(10));
    for (String id : List.of("bad1", "bad2", "bad3")) {
      assertThat(handled.stream().filter(id::equals).count()).as(id).isBetween(3L, 7L);
    }
    assertThat(fixture.acknowledged()).hasSize(10).allMatch(id -> id.startsWith("other"));
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason()).contains("no dead letters for bad");

    mendedIds.add("bad2");
    mendedIds.add("bad3");
    fixture.accept("late", null);
    fixture.time().advance(Duration.ofMinutes(30));
    assertThat(fixture.acknowledged()).contains("bad2", "bad3", "late").doesNotContain("bad1");
    assertThat(fixture.engine().health().reason()).contains("no dead letters for bad1: NO_ORDER");
    assertThat(fixture.engine().snapshot().imbalance()).isZero();

    mendedIds.add("bad1");
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).endsWith("bad1");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void inABatchToo() {
    BatchHandler batches =
        deliveries ->
            deliveries.stream()
                .map(
                    delivery -> {
                      String id = delivery.message().id();
                      return id.equals("bad2") || (id.equals("bad1") && !mended.get())
                          ? Settlement.deadLetter("NO_ORDER")
                          : Settlement.done();
                    })
                .toList();
    fixture.start(fixture.config().unordered().batch(BatchBounds.of(10)).build(), batches);
    fixture.accept("bad2", null).accept("bad1", null).accept("other", null);
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).containsExactly("other");
    mended.set(true);
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(fixture.acknowledged()).contains("bad1").doesNotContain("bad2");
    assertThat(fixture.engine().health().reason()).contains("no dead letters for bad2: NO_ORDER");
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void whateverTheReasonNothingIsDiscarded() {
    InMemoryBlockedKeyStore blocked = new InMemoryBlockedKeyStore();
    blocked.block("queue:orders/main", "blocked", 0);
    fixture.start(
        fixture.config().retry(TWO_ATTEMPTS).blockKeyOnDeadLetter(blocked).build(),
        delivery -> {
          throw new IllegalStateException("always");
        });
    Message expired =
        Message.builder("t")
            .id("expired")
            .key("e")
            .expiry(fixture.time().time().now().minusSeconds(1))
            .build();
    fixture.accept("exhausted", "x").acceptUnreadable("orders-0@17", "u").accept("b", "blocked");
    fixture.engine().accept(fixture.delivery("e", "e", EngineFixture.ENVELOPE.write(expired)));
    fixture
        .engine()
        .accept(
            new EngineFixture.TestDelivery(
                "crashes", "c", EngineFixture.wire("crashes", "c"), fixture, 1_000));
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).isEmpty();
    assertThat(fixture.engine().snapshot().count(Count.WAITING)).isEqualTo(5);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
    assertThat(fixture.engine().health().reason())
        .isEqualTo("no dead letters for exhausted: ATTEMPTS_EXHAUSTED, and 4 more");
    assertThat(blocked.level("queue:orders/main", "x")).isEmpty();
  }

  @Test
  void anUnreadableMessageIsNamedByItsPosition() {
    fixture.start(fixture.config().maxUnreadable(1).build(), handler);
    for (int i = 0; i < 5; i++) {
      fixture.acceptUnreadable("orders-0@" + i, "u" + i);
    }
    fixture.accept("other", "x");
    fixture.time().runUntilIdle();
    assertThat(handled).containsExactly("other/1");
    assertThat(fixture.engine().health().reason())
        .isEqualTo("no dead letters for orders-0@0: COMMS-CORE-021, and 4 more");
  }

  @Test
  void resumeAlsoTriesAMessageThatSeemsToCrashItsProcess() {
    fixture.start(fixture.config().build(), handler);
    fixture
        .engine()
        .accept(
            new EngineFixture.TestDelivery(
                "crashes", "c", EngineFixture.wire("crashes", "c"), fixture, 1_000));
    fixture.time().advance(Duration.ofHours(1));
    assertThat(handled).isEmpty();
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).containsExactly("crashes");
  }

  @Test
  void blockedMessagesCountInTheBoundsAndAreGivenBackByADrain() {
    fixture.start(fixture.config().workers(2).maxInFlight(10).build(), handler);
    for (int i = 0; i < 5; i++) {
      fixture.accept("bad" + i, "k" + i);
    }
    fixture.time().runUntilIdle();
    assertThat(fixture.engine().isIntakeOpen()).isFalse();
    assertThat(fixture.engine().health().reason())
        .startsWith("no dead letters for bad0")
        .contains("the intake is paused");
    fixture.engine().drain(Duration.ZERO);
    assertThat(fixture.givenBack()).containsExactly("bad0", "bad1", "bad2", "bad3", "bad4");
    assertThat(fixture.engine().snapshot().count(Count.GIVEN_BACK)).isEqualTo(5);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void theRouteOpensWhenTheScopeOfTheMessageThatStoppedItIsLost() {
    Object scope = new Object();
    fixture.start(fixture.config().build(), handler);
    fixture.engine().accept(fixture.delivery("bad", null, EngineFixture.wire("bad", null), scope));
    fixture.time().runUntilIdle();
    fixture.accept("other", null);
    fixture.engine().revoke(scope);
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).containsExactly("other");
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void aMessageOfABatchBlocksItsKeyOnly() {
    BatchHandler batches =
        deliveries ->
            deliveries.stream()
                .map(
                    delivery ->
                        delivery.message().id().startsWith("bad")
                            ? Settlement.deadLetter("NO_ORDER")
                            : Settlement.done())
                .toList();
    fixture.start(fixture.config().batch(BatchBounds.of(10)).build(), batches);
    fixture.accept("bad", "k").accept("behind", "k").accept("other", "x");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.acknowledged()).containsExactly("other");
    assertThat(fixture.engine().health().reason()).contains("no dead letters for bad");
  }

  @Test
  void withDeadLettersATargetIsRequired() {
    SubscriptionConfig config = fixture.config().build();
    assertThatThrownBy(
            () ->
                DeliveryEngine.builder(config, handler)
                    .runtime(fixture.time())
                    .format(EngineFixture.ENVELOPE)
                    .settler(
                        new Settler() {
                          @Override
                          public void acknowledge(RawDelivery delivery) {}

                          @Override
                          public void giveBack(RawDelivery delivery) {}
                        })
                    .build())
        .hasMessageContaining("deadLetters");
  }

  private static CommsObserver collecting(List<Trouble> troubles) {
    return new CommsObserver() {
      @Override
      public void onTrouble(Trouble trouble) {
        troubles.add(trouble);
      }
    };
  }
}
