package io.commslib.http.server;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Criticality;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.TimeSource;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the handlers that run at the same time, with a limiter of the user. A request asks for its
 * permit once its body is complete: a caller that sends slowly holds none, and neither its network
 * nor that of an answer distorts the times from which the limiter learns. Thread-safe.
 */
final class HandlerLimit {

  private static final CallOutcome OVERRAN =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.ANSWERED);
  private static final CallOutcome FAILED = CallOutcome.answered(CallStatus.INTERNAL);

  /** Makes the answer of a request. */
  interface Handler {
    ServerAnswer answer() throws Exception;
  }

  private final @Nullable ConcurrencyLimiter limiter;
  private final FailureAnswers failures;
  private final TimeSource time;

  /** Creates a bound; without a limiter there is none. */
  HandlerLimit(@Nullable ConcurrencyLimiter limiter, FailureAnswers failures, TimeSource time) {
    this.limiter = limiter;
    this.failures = failures;
    this.time = time;
  }

  /** The number of handlers that may run now, or empty without a limiter. */
  OptionalInt limit() {
    return limiter == null ? OptionalInt.empty() : OptionalInt.of(limiter.limit());
  }

  /**
   * Runs a handler, under the context of its caller.
   *
   * @param deadlineNanos the end of its time
   * @param refusal makes the failure of a request without a permit
   */
  ServerAnswer run(Handler handler, long deadlineNanos, IntFunction<ProblemException> refusal)
      throws Exception {
    if (limiter == null) {
      return handler.answer();
    }
    Criticality criticality = CallContext.current().criticality();
    Permit permit = limiter.tryAcquire(criticality);
    if (permit == null) {
      throw refusal.apply(criticality.partOf(limiter.limit()));
    }
    long began = time.nanoTime();
    CallOutcome outcome = FAILED;
    try {
      ServerAnswer answer = handler.answer();
      outcome = CallOutcome.answered(CallStatus.ofHttp(answer.status()));
      return answer;
    } catch (ProblemException e) {
      outcome = CallOutcome.answered(CallStatus.ofHttp(e.problem().status()));
      throw e;
    } finally {
      long now = time.nanoTime();
      end(permit, now - deadlineNanos >= 0 ? OVERRAN : outcome, now - began);
    }
  }

  /** The handler has had its effect, so a limiter that fails must not change its answer. */
  private void end(Permit permit, CallOutcome outcome, long nanos) {
    try {
      permit.ended(outcome, nanos);
    } catch (Throwable e) {
      failures.ofLimiter(e);
    }
  }
}
