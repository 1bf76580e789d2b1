package io.commslib.testkit.call;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Faults in how calls are made with a transport. */
final class EngineFaults {

  private static final int REFUSALS = 4;

  private EngineFaults() {}

  static CallHarness without(CallHarness healthy, Part part) {
    return new ForwardingCallHarness(healthy) {
      @Override
      public void policy(CallPolicy policy) {
        super.policy(policy.toBuilder().without(part).build());
      }
    };
  }

  private static CallHarness reporting(CallHarness healthy, UnaryOperator<CallReport> fault) {
    return new ForwardingCallHarness(healthy) {
      @Override
      public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
        return fault.apply(super.call(idempotency, key, body));
      }
    };
  }

  static CallHarness claimsTimeoutsNotSent(CallHarness healthy) {
    return reporting(
        healthy,
        report ->
            report.outcome().status() == CallStatus.DEADLINE_EXCEEDED
                ? new CallReport(
                    CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.NOT_SENT),
                    report.refusal(),
                    report.answer())
                : report);
  }

  static CallHarness leavesTheContext(CallHarness healthy) {
    return new ForwardingCallHarness(healthy) {
      @Override
      public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
        return CallContext.empty()
            .<CallReport, RuntimeException>call(() -> super.call(idempotency, key, body));
      }
    };
  }

  static CallHarness clearsFlags(CallHarness healthy) {
    return reporting(
        healthy,
        report -> {
          Thread.interrupted();
          return report;
        });
  }

  static CallHarness leaksInterrupts(CallHarness healthy) {
    return reporting(
        healthy,
        report -> {
          if (report.outcome().status() == CallStatus.DEADLINE_EXCEEDED) {
            Thread.currentThread().interrupt();
          }
          return report;
        });
  }

  static CallHarness keepsSlots(CallHarness healthy) {
    AtomicInteger kept = new AtomicInteger();
    return new ForwardingCallHarness(healthy) {
      @Override
      public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
        CallReport report = super.call(idempotency, key, body);
        if (!report.outcome().isSuccess()) {
          kept.incrementAndGet();
        }
        return report;
      }

      @Override
      public int inFlight() {
        return super.inFlight() + kept.get();
      }
    };
  }

  static CallHarness countsRefusals(CallHarness healthy) {
    AtomicInteger refused = new AtomicInteger();
    return new ForwardingCallHarness(healthy) {
      @Override
      public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
        CallReport report = super.call(idempotency, key, body);
        if (report.refusal().isPresent()) {
          refused.incrementAndGet();
        }
        return report;
      }

      @Override
      public CircuitBreaker.State breaker() {
        return refused.get() >= REFUSALS ? CircuitBreaker.State.OPEN : super.breaker();
      }
    };
  }
}
