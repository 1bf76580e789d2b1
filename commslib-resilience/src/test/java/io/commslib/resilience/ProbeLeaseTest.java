package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Probes of a breaker that last longer than other attempts, while further calls ask for them. */
class ProbeLeaseTest {

  private final VirtualTime time = VirtualTime.create();
  private final List<CompletableFuture<String>> stages = new ArrayList<>();

  private Guard opened(CallPolicy policy) {
    Guard guard = Resilience.builder(time).defaults(policy).build().guard("exports");
    GuardedOperation failing = guard.operation("fail", Idempotency.NON_IDEMPOTENT);
    for (int i = 0; i < 20; i++) {
      CompletableFuture<String> call =
          failing.callAsync(attempt -> CompletableFuture.failedFuture(new IOException()));
      time.advance(Duration.ofSeconds(1));
      assertThat(call).isCompletedExceptionally();
    }
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
    time.advance(guard.circuitBreaker().retryAfter());
    return guard;
  }

  /** Three probes last for a time, and a further call asks for a place in each part of it. */
  private void probe(Guard guard, UnaryOperator<GuardedOperation> as, Duration lasting) {
    GuardedOperation operation = as.apply(guard.operation("export", Idempotency.NON_IDEMPOTENT));
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int part = 0; part < 10; part++) {
      for (int i = 0; i < 3; i++) {
        calls.add(
            operation.callAsync(
                attempt -> {
                  CompletableFuture<String> stage = new CompletableFuture<>();
                  stages.add(stage);
                  return stage;
                }));
      }
      time.advance(lasting.dividedBy(10));
    }
    assertThat(guard.breakerState()).isEqualTo(State.HALF_OPEN);
    assertThat(stages).hasSize(3);
    assertThat(calls.subList(3, 30)).allMatch(CompletableFuture::isCompletedExceptionally);
  }

  private void answer() {
    stages.forEach(stage -> stage.complete("rows"));
  }

  @Test
  void aCallWithATimeOfItsOwnKeepsItsProbe() {
    Guard guard = opened(CallPolicy.defaults());
    probe(guard, operation -> operation.withTime(Duration.ofMinutes(1)), Duration.ofSeconds(50));
    answer();
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  @Test
  void anAttemptWithoutATimeoutKeepsItsProbe() {
    Guard guard =
        opened(
            CallPolicy.builder()
                .deadline(Duration.ofMinutes(1))
                .without(Part.ATTEMPT_TIMEOUT)
                .build());
    probe(guard, operation -> operation, Duration.ofSeconds(50));
    answer();
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  @Test
  void aWaitForATokenIsPartOfTheTime() {
    Guard guard =
        opened(
            CallPolicy.builder()
                .deadline(Duration.ofMinutes(1))
                .attemptTimeout(Duration.ofSeconds(2))
                .rateLimiter(new RateLimiterConfig(1, 1, Duration.ofSeconds(10)))
                .breaker(CircuitBreakerConfig.builder().probes(6).build())
                .build());
    GuardedOperation operation = guard.operation("export", Idempotency.NON_IDEMPOTENT);
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      calls.add(operation.callAsync(attempt -> CompletableFuture.completedFuture("rows")));
      time.advance(Duration.ofMillis(250));
    }
    assertThat(calls.subList(0, 6)).allMatch(CompletableFuture::isDone);
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
  }

  /** The tick is later than the time of the attempt, and calls that ask meanwhile take no place. */
  @Test
  void aProbeThatOverrunsItsTimeCounts() {
    Guard guard = opened(CallPolicy.defaults());
    GuardedOperation operation = guard.operation("export", Idempotency.NON_IDEMPOTENT);
    for (int i = 0; i < 3; i++) {
      operation.callAsync(attempt -> new CompletableFuture<String>());
      time.advance(Duration.ofMillis(1));
    }
    for (int i = 0; i < 4; i++) {
      time.advance(Duration.ofMillis(i == 0 ? 1_996 : 1));
      operation.callAsync(attempt -> new CompletableFuture<String>());
    }
    time.advance(Duration.ofMillis(50));
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
  }
}
