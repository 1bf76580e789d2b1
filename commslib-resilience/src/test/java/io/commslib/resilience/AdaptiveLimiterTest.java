package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Criticality;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The adaptive limit before a simulated server with several workers and one queue. */
class AdaptiveLimiterTest {

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);

  /** Requests at random times, whose service times are exponentially distributed. */
  private static final class Server {
    private final VirtualTime time = VirtualTime.startingAt(Instant.EPOCH, 1);
    private final AdaptiveLimiter limiter;
    private final SplittableRandom random;
    private final ArrayDeque<Runnable> queue = new ArrayDeque<>();
    private final int workers;
    private double meanNanos;
    private double perSecond;
    private int busy;
    private long served;
    private long refused;
    private int highest;
    private int together;

    Server(int workers, Duration mean, long seed, AdaptiveLimiterConfig config) {
      this.workers = workers;
      this.meanNanos = mean.toNanos();
      this.random = new SplittableRandom(seed);
      this.limiter = AdaptiveLimiter.create(config, time);
      next();
    }

    private long exponential(double mean) {
      return (long) (-Math.log(1 - random.nextDouble()) * mean) + 1;
    }

    private void next() {
      double between = perSecond == 0 ? 1e9 : 1e9 / perSecond;
      time.scheduler()
          .schedule(
              Duration.ofNanos(exponential(between)),
              () -> {
                if (perSecond > 0) {
                  arrive();
                }
                next();
              });
    }

    private void arrive() {
      Permit permit = limiter.tryAcquire();
      if (permit == null) {
        refused++;
        return;
      }
      together = Math.max(together, limiter.inFlight());
      long begun = time.time().nanoTime();
      queue.add(
          () -> {
            permit.ended(OK, time.time().nanoTime() - begun);
            served++;
          });
      work();
    }

    private void work() {
      while (busy < workers && !queue.isEmpty()) {
        Runnable end = queue.remove();
        busy++;
        time.scheduler()
            .schedule(
                Duration.ofNanos(exponential(meanNanos)),
                () -> {
                  busy--;
                  end.run();
                  work();
                });
      }
    }

    private double capacity() {
      return workers * 1e9 / meanNanos;
    }

    /** Runs with a multiple of the capacity; returns the share of the capacity that was served. */
    double run(double load, Duration during) {
      perSecond = load * capacity();
      served = 0;
      refused = 0;
      highest = 0;
      together = 0;
      for (long second = 0; second < during.toSeconds(); second++) {
        time.advance(Duration.ofSeconds(1));
        highest = Math.max(highest, limiter.limit());
      }
      return served / (capacity() * during.toSeconds());
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 8", "2, 8", "3, 16", "4, 16", "5, 48", "6, 48"})
  void adaptiveLimitNeitherDriftsNorCollapses(long seed, int workers) {
    Duration mean = Duration.ofMillis(2L * workers);
    Server server = new Server(workers, mean, seed, AdaptiveLimiterConfig.defaults());
    Duration minute = Duration.ofMinutes(1);
    server.run(1.1, minute);
    for (int i = 0; i < 20; i++) {
      assertThat(server.run(1.1, minute)).as("mild overload, minute %s", i).isGreaterThan(0.88);
      assertThat(server.highest).isLessThanOrEqualTo(workers + 40);
    }
    int highest = server.highest;
    server.run(0, minute);
    int before = server.limiter.limit();
    server.run(0, Duration.ofHours(1));
    assertThat(server.limiter.limit()).as("idle").isEqualTo(before);
    server.run(0.1, minute);
    assertThat(server.limiter.limit()).as("after idle").isGreaterThan(before / 2);
    for (double load : new double[] {0.1, 0.6}) {
      assertThat(server.run(load, minute.multipliedBy(5))).isGreaterThan(load * 0.97);
      assertThat(server.refused).as("load %s", load).isLessThan(server.served / 200);
      assertThat(server.highest).isLessThanOrEqualTo(Math.max(highest, 2 * server.together + 10));
    }
    for (int factor : new int[] {5, 1, 2}) {
      server.meanNanos = factor * (double) mean.toNanos();
      server.run(1.5, minute);
      assertThat(server.run(1.5, minute.multipliedBy(5)))
          .as("service time x %s", factor)
          .isGreaterThan(0.8);
      assertThat(server.highest).isLessThanOrEqualTo(3 * workers + 40);
    }
    assertThat(server.run(10, minute)).as("overload").isGreaterThan(0.85);
  }

  private static Permit acquired(AdaptiveLimiter limiter) {
    Permit permit = limiter.tryAcquire();
    assertThat(permit).isNotNull();
    return permit;
  }

  private final VirtualTime time = VirtualTime.create();

  @Test
  void aPermitEndsOnceAndTheLimitHolds() {
    AdaptiveLimiter limiter =
        AdaptiveLimiter.create(
            AdaptiveLimiterConfig.builder().minLimit(1).initialLimit(2).maxLimit(3).build(), time);
    Permit first = acquired(limiter);
    Permit second = acquired(limiter);
    assertThat(limiter.tryAcquire()).isNull();
    first.ended(OK, 1_000);
    first.ended(OK, 1_000);
    first.released();
    assertThat(limiter.inFlight()).isEqualTo(1);
    second.released();
    second.released();
    assertThat(limiter.inFlight()).isZero();
    assertThat(limiter).hasToString("AdaptiveLimiter{limit=2, inFlight=0}");
  }

  /** Failures that come at once look like fast requests; a released permit has no time. */
  @Test
  void failuresAreNotMeasuredButTimeoutsAre() {
    CallOutcome failed = CallOutcome.answered(CallStatus.INTERNAL);
    CallOutcome late = CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.ANSWERED);
    AdaptiveLimiter limiter = AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), time);
    rounds(limiter, 30, OK, Duration.ofMillis(10));
    int before = limiter.limit();
    assertThat(before).isGreaterThan(20);
    rounds(limiter, 100, failed, Duration.ofNanos(1_000));
    rounds(limiter, 100, CallOutcome.answered(CallStatus.CANCELLED), Duration.ofNanos(1_000));
    assertThat(limiter.limit()).isEqualTo(before);
    rounds(limiter, 30, late, Duration.ofMillis(200));
    assertThat(limiter.limit()).isLessThan(before);
  }

  /** Fills the limit, and ends all requests after a time. */
  private void rounds(AdaptiveLimiter limiter, int rounds, CallOutcome outcome, Duration each) {
    for (int round = 0; round < rounds; round++) {
      List<Permit> permits = new ArrayList<>();
      for (int i = limiter.limit(); i > 0; i--) {
        permits.add(acquired(limiter));
      }
      time.advance(each);
      permits.forEach(permit -> permit.ended(outcome, each.toNanos()));
    }
  }

  @Test
  void aServerThatRefusesNothingIsNeverLowered() {
    AdaptiveLimiter limiter = AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), time);
    for (int round = 0; round < 10_000; round++) {
      int before = limiter.limit();
      List<Permit> permits = new ArrayList<>();
      for (int i = before * 3 / 4; i > 0; i--) {
        permits.add(acquired(limiter));
      }
      time.advance(Duration.ofMillis(10));
      permits.forEach(permit -> permit.ended(OK, 10_000_000));
      assertThat(limiter.limit()).isGreaterThanOrEqualTo(before);
    }
  }

  @Test
  void requestsThatHangDoNotKeepALoweredLimitInForce() {
    AdaptiveLimiter limiter = AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), time);
    List<Permit> hanging = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      hanging.add(acquired(limiter));
    }
    for (int i = 0; limiter.limit() >= 20; i++) {
      assertThat(i).as("windows until a probe").isLessThan(1_000);
      List<Permit> permits = new ArrayList<>();
      for (Permit each = limiter.tryAcquire(); each != null; each = limiter.tryAcquire()) {
        permits.add(each);
      }
      time.advance(Duration.ofMillis(10));
      permits.forEach(permit -> permit.ended(OK, 10_000_000));
    }
    assertThat(limiter.tryAcquire()).isNull();
    time.advance(Duration.ofSeconds(31));
    assertThat(limiter.tryAcquire()).isNull();
    assertThat(limiter.limit()).isGreaterThanOrEqualTo(20);
    assertThat(limiter.tryAcquire()).isNotNull();
    assertThat(hanging).hasSize(10);
  }

  @Test
  void theLessCriticalAreRefusedFirst() {
    AdaptiveLimiter limiter = AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), time);
    assertThat(acquiredAll(limiter, Criticality.SHEDDABLE)).isEqualTo(10);
    assertThat(acquiredAll(limiter, Criticality.SHEDDABLE_PLUS)).isEqualTo(5);
    assertThat(acquiredAll(limiter, Criticality.CRITICAL)).isEqualTo(5);
    assertThat(limiter.inFlight()).isEqualTo(20);
  }

  private static int acquiredAll(AdaptiveLimiter limiter, Criticality criticality) {
    int acquired = 0;
    while (limiter.tryAcquire(criticality) != null) {
      acquired++;
    }
    return acquired;
  }

  @Test
  void wrongSettingsAreRefusedAtBuild() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AdaptiveLimiterConfig.builder().minLimit(0))
        .withMessage("minLimit: 0 (expected: 1..10000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AdaptiveLimiterConfig.builder().minLimit(30).build())
        .withMessage("initialLimit: 20 (expected: 30..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AdaptiveLimiterConfig.builder().minLimit(300).build())
        .withMessage("maxLimit: 200 (expected: 300..10000)");
    assertThat(AdaptiveLimiterConfig.defaults())
        .hasToString(
            "AdaptiveLimiterConfig{minLimit=5, initialLimit=20, maxLimit=200, windowSamples=100,"
                + " baselineInterval=PT30S}");
  }
}
