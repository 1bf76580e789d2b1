package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetterBreakerConfig;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DeadLetterBreakerTest {

  private final EngineFixture rig = new EngineFixture();

  @Test
  void aFloodOfOneCauseOverManyKeysPausesTheRouteAndProbesOneByOne() {
    AtomicBoolean broken = new AtomicBoolean(true);
    AtomicInteger calls = new AtomicInteger();
    rig.start(
        config(DeadLetterBreakerConfig.defaults()),
        delivery -> {
          calls.incrementAndGet();
          if (broken.get()) {
            throw new IllegalStateException("the database has another schema");
          }
          return Settlement.done();
        });
    for (int i = 0; i < 400; i++) {
      rig.accept("m" + i, "k" + i);
    }
    rig.time().advance(Duration.ofSeconds(3));
    assertThat(rig.deadLetters()).hasSizeLessThan(50);
    assertThat(rig.engine().snapshot().isRoutePaused()).isTrue();
    assertThat(rig.engine().health().reason())
        .contains("dead-letter storm")
        .contains("IllegalStateException");
    int before = calls.get();
    rig.time().advance(Duration.ofMinutes(5));
    assertThat(calls.get() - before).as("one probe at a time").isBetween(30, 150);
    assertThat(rig.deadLetters()).hasSizeLessThan(50);
    broken.set(false);
    rig.time().advance(Duration.ofMinutes(1));
    assertThat(rig.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(rig.acknowledged()).hasSize(400);
    assertThat(rig.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void oneBadKeyOrAFewBadMessagesAmongManyAreNoFlood() {
    rig.start(
        config(DeadLetterBreakerConfig.defaults()),
        delivery -> {
          int number = Integer.parseInt(delivery.message().id());
          if (number < 1_000 && number % 20 == 0 || delivery.message().key().isPresent()) {
            throw new IllegalStateException("bad one");
          }
          return Settlement.done();
        });
    for (int i = 0; i < 1_000; i++) {
      rig.accept(Integer.toString(i), null);
      rig.time().advance(Duration.ofMillis(50));
    }
    rig.time().advance(Duration.ofMinutes(1));
    for (int i = 0; i < 200; i++) {
      rig.accept(Integer.toString(10_000 + i), "one key");
    }
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(rig.deadLetters()).hasSize(250);
  }

  @Test
  void badInputIsNoFloodAndNothingPausesWithoutTheBreaker() {
    rig.start(
        config(DeadLetterBreakerConfig.defaults()).toBuilder().withoutDeadLetterBreaker().build(),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 200; i++) {
      rig.accept("m" + i, "k" + i);
    }
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.deadLetters()).hasSize(200);
    EngineFixture second = new EngineFixture();
    second.start(config(DeadLetterBreakerConfig.defaults()), delivery -> Settlement.done());
    for (int i = 0; i < 200; i++) {
      WireMessage garbage = new WireMessage("k" + i, Map.of("x", "y"), new byte[0]);
      second.engine().accept(second.delivery("g" + i, "k" + i, garbage));
    }
    second.time().advance(Duration.ofSeconds(1));
    assertThat(second.deadLetters()).hasSize(200);
    assertThat(second.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void aMessageThatFailsItsProbesIsGivenUpSoThatNothingIsBlockedForEver() {
    rig.start(
        config(new DeadLetterBreakerConfig(10, 100, Duration.ofSeconds(30), 10)),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 20; i++) {
      rig.accept("m" + i, "k" + i);
    }
    rig.time().advance(Duration.ofHours(1));
    assertThat(rig.acknowledged()).hasSize(20);
    assertThat(rig.engine().snapshot().count(Count.DEAD_LETTERED)).isEqualTo(20);
  }

  @Test
  void aMessageGivenUpInAFloodDoesNotOpenTheRouteForTheOthers() {
    AtomicInteger calls = new AtomicInteger();
    rig.start(
        config(new DeadLetterBreakerConfig(10, 100, Duration.ofSeconds(30), 10)),
        delivery -> {
          calls.incrementAndGet();
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 12; i++) {
      rig.accept("m" + i, "k" + i);
    }
    while (rig.deadLetters().size() < 10) {
      rig.time().advance(Duration.ofSeconds(1));
    }
    int before = calls.get();
    for (int i = 100; i < 200; i++) {
      rig.accept("m" + i, "k" + i);
    }
    rig.time().advance(Duration.ofSeconds(20));
    assertThat(calls.get() - before).isLessThan(15);
    assertThat(rig.engine().snapshot().isRoutePaused()).isTrue();
  }

  private SubscriptionConfig config(DeadLetterBreakerConfig bounds) {
    return rig.config()
        .deadLetterBreaker(bounds)
        .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build())
        .build();
  }
}
