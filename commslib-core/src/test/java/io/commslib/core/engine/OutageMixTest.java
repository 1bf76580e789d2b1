package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The engine pauses between retries for any mix of outages and outcomes. Runs on a thread of its
 * own, because an endless loop in virtual time ignores interrupts.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OutageMixTest {

  @Test
  void noMixOfOutagesAndOutcomesIsRetriedWithoutPause() {
    for (int seed = 0; seed < 300; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      EngineFixture mixed = new EngineFixture();
      AtomicInteger calls = new AtomicInteger();
      AtomicInteger outages = new AtomicInteger();
      SubscriptionConfig.Builder config =
          mixed.config().workers(1 + random.nextInt(4)).retry(schedule(1 + random.nextInt(3)));
      if (random.nextBoolean()) {
        config.withoutDeadLetterBreaker();
      }
      boolean batches = random.nextBoolean();
      Mix mix = new Mix(random, calls, outages);
      if (batches) {
        BatchHandler handler =
            batch -> {
              List<Settlement> outcomes = new ArrayList<>();
              for (Delivery delivery : batch) {
                outcomes.add(mix.handle(delivery));
              }
              return outcomes;
            };
        mixed.start(config.batch(BatchBounds.of(3)).build(), handler);
      } else {
        mixed.start(config.build(), mix);
      }
      mixed.failPublishes(random.nextInt(50));
      for (int second = 0; second < 120; second++) {
        if (second < 60) {
          mixed.accept("m" + second, "k" + random.nextInt(20));
        }
        mixed.time().advance(Duration.ofSeconds(1));
      }
      String what = "seed " + seed + ", in batches: " + batches;
      // The shortest pause is 100 ms; each record has at most three attempts, in a batch one more.
      assertThat(outages.get()).as(what).isBetween(1, 1_200);
      assertThat(calls.get() - outages.get()).as(what).isLessThan(60 * 3 * 4);
      assertThat(mixed.engine().snapshot().imbalance()).as(what).isZero();
      int before = calls.get();
      int waiting = (int) mixed.engine().snapshot().count(Count.IN_FLIGHT);
      mix.outageOfAll = true;
      mixed.accept("last", "last");
      mixed.time().advance(Duration.ofMinutes(10));
      assertThat(calls.get() - before)
          .as("%s, pauses grow in an outage of all; waiting before: %s", what, waiting)
          .isBetween(100, 300);
    }
  }

  /** Half of the messages have outages only, the others any outcome. */
  private static final class Mix implements MessageHandler {
    private final SplittableRandom random;
    private final AtomicInteger calls;
    private final AtomicInteger outages;
    private boolean outageOfAll;

    Mix(SplittableRandom random, AtomicInteger calls, AtomicInteger outages) {
      this.random = random;
      this.calls = calls;
      this.outages = outages;
    }

    @Override
    public Settlement handle(Delivery delivery) {
      // An endless loop ends here and fails by the count.
      if (calls.incrementAndGet() > 50_000) {
        return Settlement.done();
      }
      int dice = outageOfAll || delivery.message().id().hashCode() % 2 == 0 ? 0 : random.nextInt(8);
      switch (dice) {
        case 0, 1, 2 -> {
          outages.incrementAndGet();
          throw new StoreException(
              "COMMS-TEST-001", FailureKind.TRANSIENT, "the connection has ended", null);
        }
        case 3 -> throw new IllegalStateException("boom");
        case 4 -> {
          return Settlement.retry(Duration.ZERO);
        }
        case 5 -> {
          return Settlement.deadLetter("unwanted");
        }
        case 6 -> {
          return Settlement.drop("unwanted");
        }
        default -> {
          return Settlement.done();
        }
      }
    }
  }

  private static RetrySchedule schedule(int attempts) {
    return RetrySchedule.builder().attemptsAtOnce(attempts).withoutDelays().build();
  }
}
