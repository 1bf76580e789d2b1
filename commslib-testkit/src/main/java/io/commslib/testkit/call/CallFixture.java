package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The fixture of a chapter: one harness per test, and short methods to use it with. */
abstract class CallFixture {

  static final List<Idempotency> REPEATABLE =
      List.of(Idempotency.SAFE, Idempotency.IDEMPOTENT, Idempotency.KEYED);

  static final int ATTEMPTS = 3;

  CallHarness harness;

  /**
   * Makes a harness with a transport of its own. Called before each test; the contract closes it.
   *
   * @return new harness
   * @throws Exception to fail the test
   */
  protected abstract CallHarness createHarness() throws Exception;

  @BeforeEach
  void open() throws Exception {
    harness = createHarness();
    harness.policy(patient().build());
  }

  @AfterEach
  void everythingEnds() {
    // A flag that a rule has left would fail the next one.
    Thread.interrupted();
    if (harness != null) {
      harness.close();
    }
  }

  /**
   * Much time, three attempts with short waits, a large budget, and a breaker that stays closed.
   */
  static CallPolicy.Builder patient() {
    return CallPolicy.builder()
        .deadline(Duration.ofSeconds(20))
        .attemptTimeout(Duration.ofSeconds(10))
        .retry(retries(ATTEMPTS))
        .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)))
        .breaker(breaker(10_000));
  }

  static RetryPolicy retries(int attempts) {
    Backoff waits = Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(2));
    return RetryPolicy.defaults().withMaxAttempts(attempts).withBackoff(waits.withoutJitter());
  }

  static CircuitBreakerConfig breaker(int minAttempts) {
    return CircuitBreakerConfig.builder().minAttempts(minAttempts).build();
  }

  /** Attempts with a short time, and much more for the call. */
  CallPolicy.Builder impatient() {
    return patient().attemptTimeout(harness.shortTime());
  }

  CallReport call(Idempotency idempotency) {
    return harness.call(idempotency, null, "request");
  }

  CallReport call(Idempotency idempotency, RemoteStep... steps) {
    harness.script(steps);
    return call(idempotency);
  }

  static RemoteStep of(RemoteStep.Kind kind) {
    return RemoteStep.of(kind);
  }

  static RemoteStep unavailable() {
    return RemoteStep.failure(CallStatus.UNAVAILABLE);
  }

  /** The number of attempts that the remote has received. */
  int arrivals() {
    return harness.arrived().size();
  }

  /** Runs calls under a context of this time. */
  static CallReport within(Duration time, Supplier<CallReport> calls) {
    return CallContext.<CallReport, RuntimeException>within(time, calls::get);
  }

  /** Runs it and returns the time that it took. */
  Duration timeOf(Runnable calls) {
    long start = harness.runtime().time().nanoTime();
    calls.run();
    return Duration.ofNanos(harness.runtime().time().nanoTime() - start);
  }

  void assertOutcome(CallReport report, CallStatus status, SendCertainty certainty) {
    assertThat(report.outcome().status()).as("status of %s", report).isEqualTo(status);
    assertThat(report.outcome().certainty()).as("certainty of %s", report).isEqualTo(certainty);
  }

  void assertOk(CallReport report) {
    assertOutcome(report, CallStatus.OK, SendCertainty.ANSWERED);
  }
}
