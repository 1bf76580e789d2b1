package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.CodecException;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A call that a policy on this side refused, in handlers without a gate. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RefusedCallsTest {

  private final EngineFixture fixture = new EngineFixture();
  private final AtomicBoolean refuses = new AtomicBoolean(true);
  private final List<Integer> attempts = new ArrayList<>();

  @AfterEach
  void ledgerBalances() {
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  private static CallException refused(Refusal by, int sent) {
    CallStatus status =
        by == Refusal.DEADLINE ? CallStatus.DEADLINE_EXCEEDED : CallStatus.UNAVAILABLE;
    return CallException.builder(
            "COMMS-TEST-001",
            "refused",
            CallTarget.of("pricing", "quote", Idempotency.SAFE),
            CallOutcome.of(status, sent == 0 ? SendCertainty.NOT_SENT : SendCertainty.MAYBE_SENT))
        .refusal(by)
        .attempts(sent)
        .build();
  }

  private SubscriptionConfig.Builder config() {
    return fixture
        .config()
        .workers(1)
        .retry(RetrySchedule.builder().delays(Duration.ofSeconds(1)).build());
  }

  private void start(RuntimeException failure) {
    fixture.start(
        config().build(),
        delivery -> {
          attempts.add(delivery.attempt());
          if (refuses.get()) {
            throw failure;
          }
          return Settlement.done();
        });
  }

  private void assertNoAttemptIsConsumed() {
    fixture.accept("m1", "a");
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    refuses.set(false);
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).containsExactly("m1");
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(attempts).hasSizeGreaterThan(20).containsOnly(1);
  }

  @ParameterizedTest
  @EnumSource(names = "DEADLINE", mode = EnumSource.Mode.EXCLUDE)
  void pauseTheRouteAndConsumeNoAttempt(Refusal by) {
    start(refused(by, 0));
    assertNoAttemptIsConsumed();
  }

  @Test
  void whateverExceptionWrapsThem() {
    // Without the call in its causes, this failure is permanent and dead-letters the message.
    start(
        new CodecException(
            "COMMS-TEST-002",
            "no price",
            new CompletionException(new IllegalStateException(refused(Refusal.BREAKER, 0)))));
    assertNoAttemptIsConsumed();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void neverCountAsCausedByTheirMessage() {
    fixture.start(
        config().build(),
        delivery -> {
          if (delivery.message().id().equals("m1")) {
            attempts.add(delivery.attempt());
            if (refuses.get()) {
              throw refused(Refusal.BULKHEAD, 0);
            }
          }
          return Settlement.done();
        });
    fixture.accept("m1", "a");
    for (int i = 0; i < 120; i++) {
      fixture.accept("other" + i, "o" + i);
      fixture.time().advance(Duration.ofSeconds(1));
    }
    assertThat(fixture.acknowledged()).as("the others").hasSize(120);
    refuses.set(false);
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).endsWith("m1");
    assertThat(attempts).hasSizeGreaterThan(10).containsOnly(1);
  }

  @Test
  void inABatchTooPauseTheRoute() {
    fixture.start(
        config().batch(BatchBounds.of(2)).build(),
        (BatchHandler)
            batch -> {
              batch.forEach(delivery -> attempts.add(delivery.attempt()));
              if (refuses.get()) {
                throw new IllegalStateException(refused(Refusal.RATE_LIMITER, 0));
              }
              return BatchHandler.allDone(batch);
            });
    fixture.accept("m1", "a").accept("m2", "b");
    fixture.time().advance(Duration.ofMinutes(1));
    refuses.set(false);
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("m1", "m2");
    assertThat(attempts).containsOnly(1);
  }

  @Test
  void aCallWithoutTimeIsAFailedAttempt() {
    start(refused(Refusal.DEADLINE, 0));
    fixture.accept("m1", "a");
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(attempts).containsExactly(1, 2, 3, 4);
    assertThat(fixture.deadLetters()).hasSize(1);
  }

  @Test
  void aCallThatHadNoTimeForAnotherAttemptIsAnOutageAsItsFirstOne() {
    start(refused(Refusal.DEADLINE, 1));
    assertNoAttemptIsConsumed();
  }
}
