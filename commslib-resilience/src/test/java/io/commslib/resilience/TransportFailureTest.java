package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Transports that fail in ways that their port does not allow, and in those that it does. */
class TransportFailureTest {

  private final VirtualTime time = VirtualTime.create();
  private final Guard guard = Resilience.create(time).guard("remote");

  private Throwable failure(Throwable thrown, OutcomeClassifier<Object> outcomes) {
    CallTransport<String, String> transport =
        new CallTransport<>() {
          @Override
          public String send(String request, CallContext attempt) {
            throw CallRules.<RuntimeException>sneaky(thrown);
          }

          @Override
          public OutcomeClassifier<? super String> outcomes() {
            return outcomes;
          }
        };
    return catchThrowable(() -> guard.operation("op", Idempotency.SAFE).call(transport, "request"));
  }

  @Test
  void everyThrowableReachesTheCallerAndFreesTheSlot() {
    for (Throwable thrown :
        List.of(new AssertionError("error"), new IllegalStateException("unchecked"))) {
      assertThat(failure(thrown, CallRules.BY_FAILURE)).isSameAs(thrown);
      assertThat(guard.inFlight()).isZero();
    }
  }

  @Test
  void aFailureThatItsClassifierTakesForAnAnswerIsThrownAsItIs() {
    IOException unusable = new IOException("too large");
    OutcomeClassifier<Object> answered =
        new OutcomeClassifier<>() {
          @Override
          public CallOutcome ofAnswer(Object answer) {
            return CallRules.BY_FAILURE.ofAnswer(answer);
          }

          @Override
          public CallOutcome ofFailure(Throwable failure) {
            return CallOutcome.answered(CallStatus.UNKNOWN);
          }
        };
    assertThat(failure(unusable, answered)).isSameAs(unusable);
    assertThat(guard.inFlight()).isZero();
  }

  @Test
  void aCheckedFailureThatThePortDoesNotAllowIsWrapped() {
    Exception undeclared = new TimeoutException("not allowed");
    assertThat(failure(undeclared, CallRules.BY_FAILURE))
        .isInstanceOf(IllegalStateException.class)
        .hasCause(undeclared);
    assertThat(guard.inFlight()).isZero();
  }
}
