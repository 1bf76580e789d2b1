package io.commslib.benchmarks.calls;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.VirtualTime;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.Resilience;
import java.time.Duration;

/**
 * Three services that call one another, each in a process of its own with retries, and a backend
 * that fails. Measures the calls that reach the backend for each call of a user, under virtual
 * time.
 */
final class RetryStorm {

  private static final Duration BETWEEN_CALLS = Duration.ofMillis(5);

  private final VirtualTime time = VirtualTime.create();
  private final GuardedOperation[] tiers = new GuardedOperation[3];
  private final boolean stopSignal;
  private long reached;

  /**
   * Creates the services.
   *
   * @param guarded with budget, breaker, and a failure that tells the caller not to repeat; else
   *     with three attempts each and nothing else
   */
  RetryStorm(boolean guarded) {
    stopSignal = guarded;
    CallPolicy.Builder policy =
        CallPolicy.builder()
            .deadline(Duration.ofMinutes(1))
            .retry(
                RetryPolicy.defaults()
                    .withBackoff(
                        Backoff.exponential(Duration.ofNanos(1_000), Duration.ofNanos(1_000))));
    if (!guarded) {
      policy.without(Part.BUDGET).without(Part.BREAKER);
    }
    for (int tier = 0; tier < tiers.length; tier++) {
      tiers[tier] =
          Resilience.builder(time)
              .defaults(policy.build())
              .build()
              .guard("tier" + tier)
              .operation("get", Idempotency.SAFE);
    }
  }

  /** Returns the calls that reach the backend for each call of a user. */
  double load(int calls) {
    for (int i = 0; i < calls; i++) {
      try {
        call(0);
      } catch (CallException e) {
        if (e.outcome().isSuccess()) {
          throw new IllegalStateException("a failure with status OK", e);
        }
      }
      time.advance(BETWEEN_CALLS);
    }
    return reached / (double) calls;
  }

  private String call(int tier) {
    return tiers[tier].call(
        overTheWire(),
        attempt -> {
          if (tier + 1 < tiers.length) {
            return call(tier + 1);
          }
          reached++;
          throw new BackendDown();
        });
  }

  /** A caller sees the status of a failure, and whether it may repeat, if that is sent. */
  private OutcomeClassifier<String> overTheWire() {
    return new OutcomeClassifier<>() {
      @Override
      public CallOutcome ofAnswer(String answer) {
        return CallOutcome.answered(CallStatus.OK);
      }

      @Override
      public CallOutcome ofFailure(Throwable failure) {
        CallOutcome unavailable = CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
        boolean stop = stopSignal && failure instanceof CallException;
        return stop ? unavailable.withoutRetry() : unavailable;
      }
    };
  }

  private static final class BackendDown extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BackendDown() {
      super("down", null, false, false);
    }
  }
}
