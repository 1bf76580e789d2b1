package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A policy whose settings can be replaced one by one. Mutable; confined to one thread. */
final class PolicyDraft {

  final CallPolicy.Builder policy;
  final CircuitBreakerConfig.Builder breaker;
  int maxAttempts;
  Duration maxRetryAfter;
  Duration firstWait;
  Duration maxWait;
  boolean jitter;
  int budgetPercent;
  int budgetPerSecond;
  Duration budgetWindow;
  @Nullable Integer ratePerSecond;
  @Nullable Integer rateBurst;
  Duration rateMaxWait;
  @Nullable Duration hedgingDelay;
  int hedgingMaxExtra;
  private @Nullable FaultDraft faults;

  /** Faults whose settings can be replaced one by one. */
  static final class FaultDraft {
    int delayPercent;
    Duration delay;
    int failPercent;
    CallStatus status;
    SendCertainty certainty;

    FaultDraft(FaultConfig base) {
      delayPercent = base.delayPercent();
      delay = base.delay();
      failPercent = base.failPercent();
      status = base.status();
      certainty = base.certainty();
    }

    FaultConfig build() {
      return new FaultConfig(delayPercent, delay, failPercent, status, certainty);
    }
  }

  PolicyDraft(CallPolicy base) {
    policy = base.toBuilder();
    breaker = base.breaker().toBuilder();
    maxAttempts = base.retry().maxAttempts();
    maxRetryAfter = base.retry().maxRetryAfter();
    Backoff waits = base.retry().backoff();
    firstWait = waits.first();
    maxWait = waits.max();
    jitter = waits.hasJitter();
    budgetPercent = base.budget().percent();
    budgetPerSecond = base.budget().perSecond();
    budgetWindow = base.budget().window();
    RateLimiterConfig rate = base.rateLimiter().orElse(null);
    ratePerSecond = rate == null ? null : (Integer) rate.perSecond();
    rateBurst = rate == null ? null : (Integer) rate.burst();
    rateMaxWait = rate == null ? Duration.ZERO : rate.maxWait();
    HedgingConfig hedging = base.hedging().orElse(null);
    hedgingDelay = hedging == null ? null : hedging.delay();
    hedgingMaxExtra = hedging == null ? 1 : hedging.maxExtra();
    faults = base.faults().map(FaultDraft::new).orElse(null);
  }

  /** Switches a policy on or off. */
  void enable(Part part, boolean on) {
    if (on) {
      policy.with(part);
    } else {
      policy.without(part);
    }
  }

  /** Sets a time, which also switches its policy on, or switches it off. */
  void time(Part part, Object value, Consumer<Duration> setter) {
    if (value instanceof Duration time) {
      policy.with(part);
      setter.accept(time);
    } else {
      policy.without(part);
    }
  }

  /** The faults, which are set from now on. */
  FaultDraft faults() {
    if (faults == null) {
      faults = new FaultDraft(FaultConfig.none());
    }
    return faults;
  }

  void enableFaults(boolean on) {
    enable(Part.FAULTS, on);
    if (on) {
      faults();
    }
  }

  /** Sets the weights, which also switches the split on, or switches it off. */
  void split(Object value) {
    enable(Part.SPLIT, value instanceof TrafficSplit);
    if (value instanceof TrafficSplit split) {
      policy.split(split);
    }
  }

  /** Sets the mirror, which also switches it on, or switches it off. */
  void mirror(Object value) {
    enable(Part.MIRROR, value instanceof TrafficMirror);
    if (value instanceof TrafficMirror mirror) {
      policy.mirror(mirror);
    }
  }

  /**
   * Builds the policy.
   *
   * @throws IllegalArgumentException if two settings contradict each other
   */
  CallPolicy build() {
    Backoff waits = Backoff.exponential(firstWait, maxWait);
    policy
        .retry(
            RetryPolicy.defaults()
                .withMaxAttempts(maxAttempts)
                .withMaxRetryAfter(maxRetryAfter)
                .withBackoff(jitter ? waits : waits.withoutJitter()))
        .budget(new RetryBudgetConfig(budgetPercent, budgetPerSecond, budgetWindow))
        .breaker(breaker.build());
    if (ratePerSecond != null) {
      int burst = rateBurst == null ? ratePerSecond : rateBurst;
      policy.rateLimiter(new RateLimiterConfig(ratePerSecond, burst, rateMaxWait));
    }
    if (hedgingDelay != null) {
      policy.hedging(new HedgingConfig(hedgingDelay, hedgingMaxExtra));
    }
    if (faults != null) {
      policy.faults(faults.build());
    }
    return policy.build();
  }
}
