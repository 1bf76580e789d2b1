package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.time.VirtualTime;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The effect of each default, in a process that sets nothing. */
class DefaultPolicyTest {

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience = Resilience.create(time);
  private final Guard guard = resilience.guard("pricing");
  private final List<Duration> begun = new ArrayList<>();

  private Duration now() {
    return Duration.ofNanos(time.time().nanoTime());
  }

  private CallException fails(Idempotency idempotency) {
    return catchThrowableOfType(
        CallException.class,
        () ->
            guard
                .operation("quote", idempotency)
                .call(
                    CallRules.BY_FAILURE,
                    attempt -> {
                      begun.add(now());
                      throw CallRules.unavailable();
                    }));
  }

  @Test
  void aCallEndsAfterFiveSecondsAndAnAttemptAfterTwo() {
    CompletableFuture<String> call =
        guard
            .operation("quote", Idempotency.SAFE)
            .callAsync(
                attempt -> {
                  begun.add(now());
                  return new CompletableFuture<>();
                });
    time.advance(Duration.ofMillis(1_999));
    assertThat(begun).containsExactly(Duration.ZERO);
    time.advance(Duration.ofMillis(3_000));
    assertThat(begun).hasSize(3);
    assertThat(begun.get(1)).isBetween(Duration.ofMillis(2_000), Duration.ofMillis(2_060));
    assertThat(call).isNotDone();
    time.advance(Duration.ofMillis(20));
    assertThat(call).isCompletedExceptionally();
    assertThat(CallPolicy.DEFAULT_DEADLINE).isEqualTo(Duration.ofSeconds(5));
    assertThat(CallPolicy.DEFAULT_ATTEMPT_TIMEOUT).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void eachRemoteHasSixtyFourAttemptsInFlight() {
    AtomicInteger started = new AtomicInteger();
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int i = 0; i < 65; i++) {
      calls.add(
          guard
              .operation("put " + i, Idempotency.NON_IDEMPOTENT)
              .callAsync(
                  attempt -> {
                    started.incrementAndGet();
                    return new CompletableFuture<>();
                  }));
    }
    assertThat(started).hasValue(64);
    assertThat(guard.inFlight()).isEqualTo(64);
    assertThat(
            resilience
                .guard("other")
                .operation("get", Idempotency.SAFE)
                .<String>callOr(attempt -> "answer", failure -> "refused"))
        .isEqualTo("answer");
  }

  @Test
  void theBreakerOpensAtHalfOfTwentyAttemptsForFiveSeconds() {
    for (int i = 0; i < 10; i++) {
      guard.operation("quote", Idempotency.SAFE).<String>callOr(attempt -> "answer", f -> "none");
    }
    for (int i = 0; i < 9; i++) {
      fails(Idempotency.NON_IDEMPOTENT);
    }
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    fails(Idempotency.NON_IDEMPOTENT);
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
    CallException refused = fails(Idempotency.SAFE);
    assertThat(refused.refusal()).contains(Refusal.BREAKER);
    assertThat(refused.outcome().retryAfter().orElseThrow())
        .isBetween(Duration.ofSeconds(4), Duration.ofSeconds(6));
  }

  @Test
  void retriesAreAFifthOfTheCallsAndThreeASecond() {
    guard.replacePolicy(CallPolicy.builder().without(CallPolicy.Part.BREAKER).build());
    assertThat(guard.budgetBalance()).isEqualTo(30);
    for (int i = 0; i < 100; i++) {
      fails(Idempotency.NON_IDEMPOTENT);
    }
    assertThat(guard.budgetBalance()).isEqualTo(50);
    begun.clear();
    for (int i = 0; i < 40; i++) {
      fails(Idempotency.SAFE);
    }
    // 140 calls in less than the window of 10 s earn 28 retries beside the 30.
    assertThat(now()).isLessThan(Duration.ofSeconds(10));
    assertThat(begun).hasSize(40 + 58);
  }

  @Test
  void aBreakerThatOpensIsOneWarningWithTheCause() {
    PrintStream before = System.err;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      for (int i = 0; i < 60; i++) {
        fails(Idempotency.NON_IDEMPOTENT);
      }
      time.runUntilIdle();
    } finally {
      System.setErr(before);
    }
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
    List<String> lines =
        written.toString(StandardCharsets.UTF_8).lines().filter(l -> l.contains("WARN")).toList();
    assertThat(lines).hasSize(1);
    assertThat(lines.get(0)).contains("pricing", "circuit breaker opens", "UNAVAILABLE MAYBE_SENT");
  }
}
