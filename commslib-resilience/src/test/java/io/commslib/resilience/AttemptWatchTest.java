package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The tick that ends attempts which overrun their time, on the real clock. */
class AttemptWatchTest {

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience =
      Resilience.builder(runtime)
          .defaults(
              CallPolicy.builder()
                  .attemptTimeout(Duration.ofMillis(50))
                  .without(Part.BREAKER)
                  .build())
          .build();
  private final GuardedOperation operation =
      resilience.guard("remote").operation("op", Idempotency.NON_IDEMPOTENT);

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  @Test
  void aHungLambdaEndsAtItsTimeout() {
    long start = TimeSource.system().nanoTime();
    CallException failure =
        catchThrowableOfType(
            CallException.class,
            () -> operation.call(attempt -> new CountDownLatch(1).await(1, TimeUnit.MINUTES)));
    assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
    assertThat(Duration.ofNanos(TimeSource.system().nanoTime() - start))
        .isLessThan(Duration.ofSeconds(10));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(resilience.overruns()).isEqualTo(1);
  }

  @Test
  void codeThatIgnoresTheInterruptKeepsItsSlotAndTheResultIsTheTimeout() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    FutureTask<CallException> call =
        new FutureTask<>(
            () ->
                catchThrowableOfType(
                    CallException.class,
                    () ->
                        operation.call(
                            attempt -> {
                              boolean released = false;
                              while (!released) {
                                try {
                                  release.await();
                                  released = true;
                                } catch (InterruptedException e) {
                                  // Ignored, as careless code does.
                                }
                              }
                              return "too late";
                            })));
    runtime.newThread("test-stubborn", call).start();
    while (resilience.overrunning() == 0) {
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(resilience.guard("remote").inFlight()).isEqualTo(1);
    release.countDown();
    assertThat(call.get(10, TimeUnit.SECONDS).code()).isEqualTo("COMMS-CALL-002");
    assertThat(resilience.overrunning()).isZero();
    assertThat(resilience.guard("remote").inFlight()).isZero();
  }

  /** Attempts end as close to the tick's decision as the clock allows. */
  @Test
  void theTicksInterruptNeverLeaks() {
    AttemptWatch watch = new AttemptWatch(runtime);
    // One object for all, as for the attempts of a call: no tick may mistake one for the next.
    AttemptWatch.Watched watched = new AttemptWatch.Watched(Thread.currentThread());
    int overran = 0;
    for (int race = 0; race < 10_000; race++) {
      long now = runtime.time().nanoTime();
      watch.begin(watched, now + 20_000);
      if (race % 20 == 0) {
        // Meets a tick; the others end before it.
        while (!Thread.currentThread().isInterrupted()
            && runtime.time().nanoTime() - now < 5_000_000 + race * 10L) {
          Thread.onSpinWait();
        }
      }
      if (watch.end(watched)) {
        overran++;
        // Otherwise a tick has stopped this attempt for the one before it.
        assertThat(runtime.time().nanoTime() - now).isGreaterThanOrEqualTo(20_000);
        watch.returned();
      }
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }
    assertThat(overran).isPositive();
    assertThat(watch.overrunning()).isZero();
  }

  @Test
  void threadsDoNotGrowWithCalls() throws Exception {
    // With the default time: on a busy machine 50 ms may pass in any call.
    GuardedOperation patient =
        Resilience.create(runtime).guard("other").operation("op", Idempotency.SAFE);
    patient.call(attempt -> "first");
    int before = Thread.activeCount();
    for (int i = 0; i < 10_000; i++) {
      patient.call(attempt -> "more");
    }
    assertThat(Thread.activeCount()).isLessThanOrEqualTo(before + 1);
  }

  @Test
  void theDeadlineSurvivesExecutors() throws Exception {
    Executor direct = runtime.newWorkers("test-executor", 1);
    FutureTask<Boolean> seen = new FutureTask<>(() -> CallContext.current().deadline().isPresent());
    CallContext.within(
        Duration.ofMinutes(1),
        () -> {
          CallContext.wrap(direct).execute(seen);
          return true;
        });
    assertThat(seen.get(10, TimeUnit.SECONDS)).isTrue();
    FutureTask<Boolean> after =
        new FutureTask<>(() -> CallContext.current() == CallContext.empty());
    direct.execute(after);
    assertThat(after.get(10, TimeUnit.SECONDS)).isTrue();
  }
}
