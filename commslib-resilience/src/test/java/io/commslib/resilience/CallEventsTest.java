package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What observers see of calls. */
class CallEventsTest {

  private static final class Seen implements CommsObserver {
    final List<String> calls = new ArrayList<>();
    final List<String> attempts = new ArrayList<>();
    final List<State> states = new ArrayList<>();
    final List<Trouble> troubles = new ArrayList<>();

    @Override
    public void onCall(CallTarget target, CallOutcome outcome, int count, Duration elapsed) {
      calls.add(target + " " + outcome.status() + " " + count);
    }

    @Override
    public void onAttempt(
        CallTarget target,
        CallOutcome outcome,
        int attempt,
        Duration elapsed,
        Optional<Refusal> refusal) {
      attempts.add(attempt + " " + outcome.status() + refusal.map(by -> " " + by).orElse(""));
    }

    @Override
    public void onBreaker(
        String service, State from, State to, CallOutcome cause, Duration openTime) {
      states.add(to);
    }

    @Override
    public void onTrouble(Trouble trouble) {
      troubles.add(trouble);
    }
  }

  private final VirtualTime time = VirtualTime.create();
  private final Seen seen = new Seen();
  private final Resilience resilience = Resilience.builder(time).observer(seen).build();
  private final GuardedOperation operation =
      resilience.guard("pricing").operation("quote", Idempotency.SAFE);

  private CallException fail() {
    return catchThrowableOfType(
        CallException.class,
        () ->
            operation.call(
                CallRules.BY_FAILURE,
                attempt -> {
                  throw CallRules.unavailable();
                }));
  }

  @Test
  void callsAndAttemptsAreCountedApart() throws Exception {
    operation.call(attempt -> "answer");
    fail();
    time.runUntilIdle();
    assertThat(seen.calls).containsExactly("pricing quote OK 1", "pricing quote UNAVAILABLE 3");
    assertThat(seen.attempts)
        .containsExactly("1 OK", "1 UNAVAILABLE", "2 UNAVAILABLE", "3 UNAVAILABLE");
  }

  @Test
  void fallbackHidesNoFailure() {
    String answer =
        operation.callOr(
            attempt -> {
              throw new IOException("cut");
            },
            failure -> "default");
    time.runUntilIdle();
    assertThat(answer).isEqualTo("default");
    assertThat(seen.calls).containsExactly("pricing quote UNAVAILABLE 3");
  }

  @Test
  void aBreakerThatOpensIsReportedOnceWithItsCause() {
    while (resilience.guard("pricing").breakerState() == State.CLOSED) {
      fail();
    }
    for (int i = 0; i < 5; i++) {
      fail();
    }
    time.runUntilIdle();
    assertThat(seen.states).containsExactly(State.OPEN);
    assertThat(seen.troubles).hasSize(1);
    assertThat(seen.troubles.get(0).kind()).isEqualTo(Trouble.Kind.PAUSED);
    assertThat(seen.troubles.get(0).text()).contains("UNAVAILABLE MAYBE_SENT");
    assertThat(seen.attempts).contains("1 UNAVAILABLE BREAKER");
  }
}
