package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The phases of the circuit breaker. */
class PhaseBreakerTest {

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);
  private static final CallOutcome FAILED =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
  private static final Duration LEASE = Duration.ofSeconds(2);

  private final VirtualTime time = VirtualTime.create();
  private final List<State> states = new ArrayList<>();
  private final List<CallOutcome> causes = new ArrayList<>();
  private final PhaseBreaker breaker = breaker(time);

  private PhaseBreaker breaker(VirtualTime runtime) {
    return new PhaseBreaker(
        "remote",
        CircuitBreakerConfig.defaults(),
        LEASE,
        runtime,
        (from, to, cause, open) -> {
          states.add(to);
          causes.add(cause);
        });
  }

  private static Permit permit(PhaseBreaker of) {
    Permit permit = of.tryAcquire();
    assertThat(permit).isNotNull();
    return permit;
  }

  private static void fail(PhaseBreaker of, int times) {
    for (int i = 0; i < times; i++) {
      permit(of).ended(FAILED, 1_000);
    }
  }

  @Test
  void itOpensAtTheShareOfFailuresAndNotBefore() {
    for (int i = 0; i < 10; i++) {
      permit(breaker).ended(OK, 1_000);
    }
    fail(breaker, 9);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.OPEN);
    assertThat(breaker.tryAcquire()).isNull();
    assertThat(breaker.retryAfter()).isBetween(Duration.ofSeconds(4), Duration.ofSeconds(6));
  }

  @Test
  void theCauseIsTheLastFailureAlsoIfASuccessCompletesTheCount() {
    fail(breaker, 10);
    for (int i = 0; i < 10; i++) {
      permit(breaker).ended(OK, 1_000);
    }
    assertThat(breaker.state()).isEqualTo(State.OPEN);
    assertThat(causes).containsExactly(FAILED);
  }

  @Test
  void answersThatRejectTheRequestNeverOpenIt() {
    for (CallStatus status :
        List.of(CallStatus.NOT_FOUND, CallStatus.INVALID_ARGUMENT, CallStatus.PERMISSION_DENIED)) {
      for (int i = 0; i < 100; i++) {
        permit(breaker).ended(CallOutcome.answered(status), 1_000);
      }
    }
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void itLeavesOpenAfterADayWithoutATimer() {
    fail(breaker, 20);
    time.advance(Duration.ofDays(1));
    assertThat(breaker.state()).isEqualTo(State.OPEN);
    for (int i = 0; i < 3; i++) {
      permit(breaker).ended(OK, 1_000);
    }
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    assertThat(states).containsExactly(State.OPEN, State.HALF_OPEN, State.CLOSED);
  }

  @Test
  void theOpenTimeDoublesWithEachFailedProbeUpToItsMaximum() {
    fail(breaker, 20);
    Duration before = Duration.ZERO;
    for (int round = 0; round < 4; round++) {
      Duration open = breaker.retryAfter();
      assertThat(open).isGreaterThan(before);
      before = open.multipliedBy(11).dividedBy(10);
      time.advance(open);
      fail(breaker, 3);
      assertThat(breaker.state()).isEqualTo(State.OPEN);
    }
    for (int round = 0; round < 10; round++) {
      time.advance(breaker.retryAfter());
      fail(breaker, 3);
    }
    assertThat(breaker.retryAfter()).isBetween(Duration.ofSeconds(48), Duration.ofSeconds(72));
  }

  @Test
  void replicasDoNotProbeTogether() {
    Set<Long> ends = new HashSet<>();
    for (int seed = 0; seed < 20; seed++) {
      VirtualTime own = VirtualTime.startingAt(Instant.parse("2026-01-01T00:00:00Z"), seed);
      PhaseBreaker replica = breaker(own);
      fail(replica, 20);
      ends.add(replica.retryAfter().toMillis() / 10);
    }
    assertThat(ends).hasSizeGreaterThan(15);
  }

  @Test
  void aLateResultOfAnEarlierStateMovesNothing() {
    List<Permit> late = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      late.add(permit(breaker));
    }
    fail(breaker, 20);
    time.advance(Duration.ofSeconds(6));
    permit(breaker).ended(OK, 1_000);
    late.subList(0, 25).forEach(permit -> permit.ended(FAILED, 1_000));
    assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    permit(breaker).ended(OK, 1_000);
    permit(breaker).ended(OK, 1_000);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    late.subList(25, 50).forEach(permit -> permit.ended(FAILED, 1_000));
    permit(breaker).ended(OK, 1_000);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  /** The late result passes its check of the phase just before the phase changes. */
  @Test
  void aLateResultThatRacesWithAChangeMovesNothing() throws Exception {
    PhaseBreaker strict =
        new PhaseBreaker(
            "remote",
            CircuitBreakerConfig.builder().minAttempts(1).build(),
            LEASE,
            time,
            (from, to, cause, open) -> {});
    AtomicReference<Permit> late = new AtomicReference<>();
    AtomicInteger ended = new AtomicInteger();
    int races = 20_000;
    Thread other =
        time.newThread(
            "test-late",
            () -> {
              while (ended.get() < races) {
                Permit permit = late.getAndSet(null);
                if (permit != null) {
                  permit.ended(FAILED, 1_000);
                  ended.incrementAndGet();
                }
              }
            });
    other.start();
    try {
      for (int race = 0; race < races; race++) {
        late.set(permit(strict));
        while (late.get() != null) {
          Thread.onSpinWait();
        }
        strict.force(State.CLOSED);
        Permit next = permit(strict);
        while (ended.get() <= race) {
          Thread.onSpinWait();
        }
        next.ended(OK, 1_000);
        assertThat(strict.state()).isEqualTo(State.CLOSED);
      }
    } finally {
      ended.set(races);
      other.join();
    }
  }

  @Test
  void aChangedWindowStartsEmpty() {
    fail(breaker, 19);
    breaker.settings(CircuitBreakerConfig.builder().minAttempts(10).build(), LEASE);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    fail(breaker, 9);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.OPEN);
  }

  @Test
  void noHalfOpenPermitIsLost() {
    Random random = new Random(7);
    fail(breaker, 20);
    time.advance(Duration.ofSeconds(6));
    for (int i = 0; i < 10_000; i++) {
      Permit permit = breaker.tryAcquire();
      if (permit != null && random.nextInt(3) > 0) {
        // The rest is never ended, as by a thread that died.
        permit.released();
        permit.released();
      }
      time.advance(Duration.ofMillis(random.nextInt(100)));
    }
    assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    time.advance(LEASE);
    for (int i = 0; i < 3; i++) {
      permit(breaker).ended(OK, 1_000);
    }
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void aProbeWhoseLeaseWentToAnotherOneDoesNotCount() {
    fail(breaker, 20);
    time.advance(Duration.ofSeconds(6));
    Permit first = permit(breaker);
    permit(breaker);
    permit(breaker);
    assertThat(breaker.tryAcquire()).isNull();
    time.advance(LEASE);
    List<Permit> later = List.of(permit(breaker), permit(breaker), permit(breaker));
    first.ended(FAILED, 1_000);
    later.forEach(permit -> permit.ended(OK, 1_000));
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void anOldWindowIsForgottenAfterItsTime() {
    fail(breaker, 19);
    time.advance(Duration.ofSeconds(31));
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void theOperatorsChoiceHoldsUntilTheNextOne() {
    breaker.force(State.FORCED_OPEN);
    time.advance(Duration.ofDays(2));
    assertThat(breaker.tryAcquire()).isNull();
    breaker.force(State.DISABLED);
    fail(breaker, 100);
    assertThat(breaker.state()).isEqualTo(State.DISABLED);
    breaker.force(State.CLOSED);
    fail(breaker, 19);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void newSettingsKeepTheState() {
    fail(breaker, 20);
    breaker.settings(CircuitBreakerConfig.builder().probes(1).build(), LEASE);
    assertThat(breaker.state()).isEqualTo(State.OPEN);
    time.advance(Duration.ofSeconds(6));
    permit(breaker).ended(OK, 1_000);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }
}
