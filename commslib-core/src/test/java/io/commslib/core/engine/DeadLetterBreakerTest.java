package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetterBreakerConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DeadLetterBreakerTest {

  private final EngineFixture fixture = new EngineFixture();

  @Test
  void aStormOfOneCauseOverManyKeysPausesTheRouteAndProbesOneByOne() {
    AtomicBoolean broken = new AtomicBoolean(true);
    AtomicInteger calls = new AtomicInteger();
    fixture.start(
        config(DeadLetterBreakerConfig.defaults()),
        delivery -> {
          calls.incrementAndGet();
          if (broken.get()) {
            throw new IllegalStateException("the database has another schema");
          }
          return Settlement.done();
        });
    for (int i = 0; i < 400; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    fixture.time().advance(Duration.ofSeconds(3));
    assertThat(fixture.deadLetters()).hasSizeLessThan(50);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
    assertThat(fixture.engine().health().reason())
        .contains("dead-letter storm")
        .contains("IllegalStateException");
    int before = calls.get();
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(calls.get() - before).as("one probe at a time").isBetween(30, 150);
    assertThat(fixture.deadLetters()).hasSizeLessThan(50);
    broken.set(false);
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.acknowledged()).hasSize(400);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void oneBadKeyOrAFewBadMessagesAmongManyAreNoStorm() {
    fixture.start(
        config(DeadLetterBreakerConfig.defaults()),
        delivery -> {
          int number = Integer.parseInt(delivery.message().id());
          if (number < 1_000 && number % 20 == 0 || delivery.message().key().isPresent()) {
            throw new IllegalStateException("bad one");
          }
          return Settlement.done();
        });
    for (int i = 0; i < 1_000; i++) {
      fixture.accept(Integer.toString(i), null);
      fixture.time().advance(Duration.ofMillis(50));
    }
    fixture.time().advance(Duration.ofMinutes(1));
    for (int i = 0; i < 200; i++) {
      fixture.accept(Integer.toString(10_000 + i), "one key");
    }
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.deadLetters()).hasSize(250);
  }

  @Test
  void badInputIsNoStormAndNothingPausesWithoutTheBreaker() {
    fixture.start(
        config(DeadLetterBreakerConfig.defaults()).toBuilder().withoutDeadLetterBreaker().build(),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 200; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.deadLetters()).hasSize(200);
    EngineFixture second = new EngineFixture();
    second.start(
        config(DeadLetterBreakerConfig.defaults()).toBuilder().maxUnreadable(0).build(),
        delivery -> Settlement.done());
    for (int i = 0; i < 200; i++) {
      ForeignRecord garbage = new ForeignRecord("k" + i, Map.of("x", "y"), new byte[0]);
      second.engine().accept(second.delivery("g" + i, "k" + i, garbage));
    }
    second.time().advance(Duration.ofSeconds(1));
    assertThat(second.deadLetters()).hasSize(200);
    assertThat(second.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void aMessageThatFailsItsProbesIsDeadLettered() {
    fixture.start(
        config(DeadLetterBreakerConfig.builder().letters(10).sharePercent(100).build()),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 20; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    fixture.time().advance(Duration.ofHours(1));
    assertThat(fixture.acknowledged()).hasSize(20);
    assertThat(fixture.engine().snapshot().count(Count.DEAD_LETTERED)).isEqualTo(20);
  }

  @Test
  void aMessageDeadLetteredInAStormDoesNotOpenTheRoute() {
    AtomicInteger calls = new AtomicInteger();
    fixture.start(
        config(DeadLetterBreakerConfig.builder().letters(10).sharePercent(100).build()),
        delivery -> {
          calls.incrementAndGet();
          throw new IllegalStateException("boom");
        });
    for (int i = 0; i < 12; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    while (fixture.deadLetters().size() < 10) {
      fixture.time().advance(Duration.ofSeconds(1));
    }
    int before = calls.get();
    for (int i = 100; i < 200; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    fixture.time().advance(Duration.ofSeconds(20));
    assertThat(calls.get() - before).isLessThan(15);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
  }

  private SubscriptionConfig config(DeadLetterBreakerConfig bounds) {
    return fixture
        .config()
        .deadLetterBreaker(bounds)
        .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build())
        .build();
  }
}
