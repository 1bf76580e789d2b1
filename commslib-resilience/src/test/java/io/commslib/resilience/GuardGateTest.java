package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The gate that a guard gives to subscriptions. */
class GuardGateTest {

  private final VirtualTime time = VirtualTime.create();
  private final Guard guard = Resilience.create(time).guard("remote");
  private final GuardedOperation operation = guard.operation("op", Idempotency.NON_IDEMPOTENT);

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

  private void open() {
    for (int i = 0; i < 20; i++) {
      fail();
    }
    assertThat(guard.breakerState()).isEqualTo(State.OPEN);
  }

  @Test
  void openBreakerIsNotRetried() {
    open();
    CallException failure = fail();
    assertThat(failure)
        .hasMessageStartingWith(
            "COMMS-CALL-003: the circuit breaker is open (remote op, UNAVAILABLE NOT_SENT");
    assertThat(failure.refusal()).contains(Refusal.BREAKER);
    assertThat(failure.attempts()).isZero();
    assertThat(failure.outcome().retryAfter()).isPresent();
  }

  @Test
  void aBreakerThatOpensBetweenTwoAttemptsEndsTheCall() {
    for (int i = 0; i < 19; i++) {
      fail();
    }
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () ->
                guard
                    .operation("read", Idempotency.SAFE)
                    .call(
                        CallRules.BY_FAILURE,
                        attempt -> {
                          throw CallRules.unavailable();
                        }));
    assertThat(failure.refusal()).contains(Refusal.BREAKER);
    assertThat(failure.attempts()).isEqualTo(1);
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    assertThat(failure.outcome().isRetryable()).isFalse();
  }

  @Test
  void itIsClosedWithTheBreakerOpenAndLetsOneMessageAtATimeProbe() throws Exception {
    assertThat(guard.gate().isOpen()).isTrue();
    open();
    assertThat(guard.gate().isOpen()).isFalse();
    time.advance(Duration.ofSeconds(6));
    assertThat(guard.gate().isOpen()).isTrue();
    assertThat(guard.gate().isOpen()).isFalse();
    operation.call(attempt -> "works");
    assertThat(guard.gate().isOpen()).as("its handler still runs").isFalse();
    guard.gate().ended();
    assertThat(guard.gate().isOpen()).isTrue();
    assertThat(guard.gate().isOpen()).isFalse();
    operation.call(attempt -> "works");
    operation.call(attempt -> "works");
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(guard.gate().isOpen()).isTrue();
    assertThat(guard.gate().isOpen()).isTrue();
  }

  @Test
  void aHandlerThatHangsDoesNotKeepItClosed() {
    open();
    time.advance(Duration.ofSeconds(6));
    assertThat(guard.gate().isOpen()).isTrue();
    assertThat(guard.gate().isOpen()).isFalse();
    time.advance(Duration.ofSeconds(5));
    assertThat(guard.gate().isOpen()).isTrue();
  }

  @Test
  void theEndOfAMessageThatPassedBeforeAdmitsNoSecondProbe() throws Exception {
    open();
    time.advance(Duration.ofSeconds(6));
    Thread holder = new Thread(() -> assertThat(guard.gate().isOpen()).isTrue());
    holder.start();
    holder.join();
    guard.gate().ended();
    assertThat(guard.gate().isOpen()).isFalse();
  }
}
