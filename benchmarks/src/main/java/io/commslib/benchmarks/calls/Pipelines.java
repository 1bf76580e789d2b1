package io.commslib.benchmarks.calls;

import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeExecutor;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.Resilience;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig.Builder;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Duration;
import java.util.function.Supplier;

/** The same policies in three libraries. No limit is reached and no call fails. */
final class Pipelines {

  /** At most what all three accept. The calls of a measurement stay within the burst. */
  private static final int PER_SECOND = 1_000_000;

  private static final int BURST = 10_000_000;
  private static final int SLOTS = 64;
  private static final int WINDOW_SECONDS = 30;
  private static final int MIN_CALLS = 20;

  private Pipelines() {}

  /** All defaults, and a rate limiter. */
  static Pipeline commslib(SystemRuntime runtime) {
    CallPolicy policy =
        CallPolicy.builder()
            .rateLimiter(new RateLimiterConfig(PER_SECOND, BURST, Duration.ofSeconds(1)))
            .build();
    GuardedOperation operation =
        Resilience.builder(runtime)
            .defaults(policy)
            .build()
            .guard("bench")
            .operation("add", Idempotency.SAFE);
    return number -> operation.call(attempt -> Pipeline.work(number));
  }

  /** Retry(CircuitBreaker(RateLimiter(Bulkhead))). */
  static Pipeline resilience4j() {
    Retry retry = Retry.of("bench", RetryConfig.ofDefaults());
    CircuitBreaker breaker =
        CircuitBreaker.of(
            "bench",
            CircuitBreakerConfig.custom()
                .slidingWindow(
                    WINDOW_SECONDS, MIN_CALLS, CircuitBreakerConfig.SlidingWindowType.TIME_BASED)
                .build());
    RateLimiter limiter =
        RateLimiter.of(
            "bench",
            new Builder()
                .limitForPeriod(PER_SECOND)
                .limitRefreshPeriod(Duration.ofMillis(100))
                .timeoutDuration(Duration.ofSeconds(1))
                .build());
    Bulkhead bulkhead =
        Bulkhead.of("bench", BulkheadConfig.custom().maxConcurrentCalls(SLOTS).build());
    return number -> {
      Supplier<Long> inner = Bulkhead.decorateSupplier(bulkhead, () -> Pipeline.work(number));
      Supplier<Long> limited = RateLimiter.decorateSupplier(limiter, inner);
      Supplier<Long> guarded = CircuitBreaker.decorateSupplier(breaker, limited);
      return Retry.decorateSupplier(retry, guarded).get();
    };
  }

  /** The same four in Failsafe. */
  static Pipeline failsafe() {
    FailsafeExecutor<Long> executor =
        Failsafe.with(
            dev.failsafe.RetryPolicy.<Long>builder().withMaxRetries(2).build(),
            dev.failsafe.CircuitBreaker.<Long>builder()
                .withFailureRateThreshold(50, MIN_CALLS, Duration.ofSeconds(WINDOW_SECONDS))
                .build(),
            dev.failsafe.RateLimiter.<Long>burstyBuilder(PER_SECOND, Duration.ofMillis(100))
                .withMaxWaitTime(Duration.ofSeconds(1))
                .build(),
            dev.failsafe.Bulkhead.<Long>of(SLOTS));
    return number -> executor.get(() -> Pipeline.work(number));
  }
}
