package io.commslib.resilience;

import static io.commslib.resilience.ValueRule.count;
import static io.commslib.resilience.ValueRule.flag;
import static io.commslib.resilience.ValueRule.mirror;
import static io.commslib.resilience.ValueRule.oneOf;
import static io.commslib.resilience.ValueRule.split;
import static io.commslib.resilience.ValueRule.time;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.resilience.ValueRule.Off;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Every setting of a policy with its key, its rule, and the way to read and to replace it. The
 * order is that of {@code describe()} and of the table in the docs.
 */
enum PolicySetting {
  DEADLINE(
      "deadline",
      time(Bounds.TICKS, Bounds.HOUR).orOff(),
      policy -> policy.has(Part.DEADLINE) ? policy.deadline() : Off.OFF,
      (draft, value) -> draft.time(Part.DEADLINE, value, draft.policy::deadline)),
  COLLAPSE_ENABLED(
      "collapse.enabled",
      flag(),
      policy -> policy.has(Part.COLLAPSE),
      (draft, value) -> draft.enable(Part.COLLAPSE, (Boolean) value)),
  RETRY_ENABLED(
      "retry.enabled",
      flag(),
      policy -> policy.has(Part.RETRY),
      (draft, value) -> draft.enable(Part.RETRY, (Boolean) value)),
  RETRY_MAX_ATTEMPTS(
      "retry.maxAttempts",
      count(1, 10),
      policy -> policy.retry().maxAttempts(),
      (draft, value) -> draft.maxAttempts = (Integer) value),
  RETRY_BACKOFF_FIRST(
      "retry.backoff.first",
      time(Duration.ZERO, Bounds.DAY),
      policy -> policy.retry().backoff().first(),
      (draft, value) -> draft.firstWait = (Duration) value),
  RETRY_BACKOFF_MAX(
      "retry.backoff.max",
      time(Duration.ZERO, Bounds.DAY),
      policy -> policy.retry().backoff().max(),
      (draft, value) -> draft.maxWait = (Duration) value),
  RETRY_BACKOFF_JITTER(
      "retry.backoff.jitter",
      flag(),
      policy -> policy.retry().backoff().hasJitter(),
      (draft, value) -> draft.jitter = (Boolean) value),
  RETRY_MAX_RETRY_AFTER(
      "retry.maxRetryAfter",
      time(Duration.ofMillis(1), Bounds.HOUR),
      policy -> policy.retry().maxRetryAfter(),
      (draft, value) -> draft.maxRetryAfter = (Duration) value),
  HEDGING_ENABLED(
      "hedging.enabled",
      flag(),
      policy -> policy.has(Part.HEDGING),
      (draft, value) -> draft.enable(Part.HEDGING, (Boolean) value)),
  HEDGING_DELAY(
      "hedging.delay",
      time(Duration.ofMillis(1), Bounds.MINUTE),
      policy -> policy.hedging().map(HedgingConfig::delay).orElse(null),
      (draft, value) -> draft.hedgingDelay = (Duration) value),
  HEDGING_MAX_EXTRA(
      "hedging.maxExtra",
      count(1, 4),
      policy -> policy.hedging().map(HedgingConfig::maxExtra).orElse(null),
      (draft, value) -> draft.hedgingMaxExtra = (Integer) value),
  BUDGET_ENABLED(
      "budget.enabled",
      flag(),
      policy -> policy.has(Part.BUDGET),
      (draft, value) -> draft.enable(Part.BUDGET, (Boolean) value)),
  BUDGET_PERCENT(
      "budget.percent",
      count(0, 100),
      policy -> policy.budget().percent(),
      (draft, value) -> draft.budgetPercent = (Integer) value),
  BUDGET_PER_SECOND(
      "budget.perSecond",
      count(0, 1_000),
      policy -> policy.budget().perSecond(),
      (draft, value) -> draft.budgetPerSecond = (Integer) value),
  BUDGET_WINDOW(
      "budget.window",
      time(Duration.ofSeconds(1), Bounds.MINUTE),
      policy -> policy.budget().window(),
      (draft, value) -> draft.budgetWindow = (Duration) value),
  SPLIT(
      "split",
      split().orOff(),
      policy -> policy.has(Part.SPLIT) ? policy.split().orElse(null) : Off.OFF,
      (draft, value) -> draft.split(value)),
  MIRROR(
      "mirror",
      mirror().orOff(),
      policy -> policy.has(Part.MIRROR) ? policy.mirror().orElse(null) : Off.OFF,
      (draft, value) -> draft.mirror(value)),
  ENDPOINTS_ENABLED(
      "endpoints.enabled",
      flag(),
      policy -> policy.has(Part.ENDPOINTS),
      (draft, value) -> draft.enable(Part.ENDPOINTS, (Boolean) value)),
  BREAKER_ENABLED(
      "breaker.enabled",
      flag(),
      policy -> policy.has(Part.BREAKER),
      (draft, value) -> draft.enable(Part.BREAKER, (Boolean) value)),
  BREAKER_FAILURE_PERCENT(
      "breaker.failurePercent",
      count(1, 100),
      policy -> policy.breaker().failurePercent(),
      (draft, value) -> draft.breaker.failurePercent((Integer) value)),
  BREAKER_MIN_ATTEMPTS(
      "breaker.minAttempts",
      count(1, 10_000),
      policy -> policy.breaker().minAttempts(),
      (draft, value) -> draft.breaker.minAttempts((Integer) value)),
  BREAKER_WINDOW(
      "breaker.window",
      time(Duration.ofSeconds(1), Duration.ofMinutes(10)).wholeSeconds(),
      policy -> policy.breaker().window(),
      (draft, value) -> draft.breaker.window((Duration) value)),
  BREAKER_OPEN_TIME(
      "breaker.openTime",
      time(Bounds.TICKS, Bounds.HOUR),
      policy -> policy.breaker().openTime(),
      (draft, value) -> draft.breaker.openTime((Duration) value)),
  BREAKER_MAX_OPEN_TIME(
      "breaker.maxOpenTime",
      time(Bounds.TICKS, Bounds.DAY),
      policy -> policy.breaker().maxOpenTime(),
      (draft, value) -> draft.breaker.maxOpenTime((Duration) value)),
  BREAKER_PROBES(
      "breaker.probes",
      count(1, 100),
      policy -> policy.breaker().probes(),
      (draft, value) -> draft.breaker.probes((Integer) value)),
  RATE_LIMITER_ENABLED(
      "rateLimiter.enabled",
      flag(),
      policy -> policy.has(Part.RATE_LIMITER),
      (draft, value) -> draft.enable(Part.RATE_LIMITER, (Boolean) value)),
  RATE_LIMITER_PER_SECOND(
      "rateLimiter.perSecond",
      count(1, 1_000_000),
      policy -> policy.rateLimiter().map(RateLimiterConfig::perSecond).orElse(null),
      (draft, value) -> draft.ratePerSecond = (Integer) value),
  RATE_LIMITER_BURST(
      "rateLimiter.burst",
      count(1, 10_000_000),
      policy -> policy.rateLimiter().map(RateLimiterConfig::burst).orElse(null),
      (draft, value) -> draft.rateBurst = (Integer) value),
  RATE_LIMITER_MAX_WAIT(
      "rateLimiter.maxWait",
      time(Duration.ZERO, Bounds.MINUTE),
      policy -> policy.rateLimiter().map(RateLimiterConfig::maxWait).orElse(null),
      (draft, value) -> draft.rateMaxWait = (Duration) value),
  BULKHEAD_ENABLED(
      "bulkhead.enabled",
      flag(),
      policy -> policy.has(Part.BULKHEAD),
      (draft, value) -> draft.enable(Part.BULKHEAD, (Boolean) value)),
  BULKHEAD_MAX_IN_FLIGHT(
      "bulkhead.maxInFlight",
      count(1, 100_000),
      CallPolicy::maxInFlight,
      (draft, value) -> draft.policy.maxInFlight((Integer) value)),
  FAULTS_ENABLED(
      "faults.enabled",
      flag(),
      policy -> policy.has(Part.FAULTS),
      (draft, value) -> draft.enableFaults((Boolean) value)),
  FAULTS_DELAY_PERCENT(
      "faults.delayPercent",
      count(0, 100),
      policy -> policy.faults().map(FaultConfig::delayPercent).orElse(null),
      (draft, value) -> draft.faults().delayPercent = (Integer) value),
  FAULTS_DELAY(
      "faults.delay",
      time(Duration.ofMillis(1), Bounds.MINUTE),
      policy -> policy.faults().map(FaultConfig::delay).orElse(null),
      (draft, value) -> draft.faults().delay = (Duration) value),
  FAULTS_FAIL_PERCENT(
      "faults.failPercent",
      count(0, 100),
      policy -> policy.faults().map(FaultConfig::failPercent).orElse(null),
      (draft, value) -> draft.faults().failPercent = (Integer) value),
  FAULTS_STATUS(
      "faults.status",
      oneOf(Bounds.STATUSES),
      policy -> policy.faults().map(FaultConfig::status).orElse(null),
      (draft, value) -> draft.faults().status = (CallStatus) value),
  FAULTS_CERTAINTY(
      "faults.certainty",
      oneOf(List.of(SendCertainty.values())),
      policy -> policy.faults().map(FaultConfig::certainty).orElse(null),
      (draft, value) -> draft.faults().certainty = (SendCertainty) value),
  ATTEMPT_TIMEOUT(
      "attemptTimeout",
      time(Bounds.TICKS, Bounds.HOUR).orOff(),
      policy -> policy.has(Part.ATTEMPT_TIMEOUT) ? policy.attemptTimeout() : Off.OFF,
      (draft, value) -> draft.time(Part.ATTEMPT_TIMEOUT, value, draft.policy::attemptTimeout));

  private final String key;
  private final ValueRule rule;
  private final Function<CallPolicy, @Nullable Object> reader;
  private final BiConsumer<PolicyDraft, Object> writer;

  PolicySetting(
      String key,
      ValueRule rule,
      Function<CallPolicy, @Nullable Object> reader,
      BiConsumer<PolicyDraft, Object> writer) {
    this.key = key;
    this.rule = rule;
    this.reader = reader;
    this.writer = writer;
  }

  String key() {
    return key;
  }

  ValueRule rule() {
    return rule;
  }

  /** Returns the value, or null for none. */
  @Nullable Object read(CallPolicy policy) {
    return reader.apply(policy);
  }

  /**
   * Replaces the value.
   *
   * @param value of the type that {@link ValueRule#parse} returns
   */
  void write(PolicyDraft draft, Object value) {
    writer.accept(draft, value);
  }

  private static final class Bounds {
    static final Duration TICKS = Duration.ofMillis(10);
    static final Duration MINUTE = Duration.ofMinutes(1);
    static final Duration HOUR = Duration.ofHours(1);
    static final Duration DAY = Duration.ofHours(24);

    /** The statuses of an attempt that fails by a fault. */
    static final List<CallStatus> STATUSES =
        Arrays.stream(CallStatus.values())
            .filter(status -> status != CallStatus.OK && status != CallStatus.CANCELLED)
            .toList();
  }
}
