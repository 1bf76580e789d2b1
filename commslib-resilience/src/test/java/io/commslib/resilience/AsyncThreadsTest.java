package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Asynchronous calls on the real clock and on real threads. */
class AsyncThreadsTest {

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience =
      Resilience.builder(runtime)
          .defaults(
              CallPolicy.builder()
                  .attemptTimeout(Duration.ofMillis(20))
                  .maxInFlight(10_000)
                  .without(Part.BREAKER)
                  .build())
          .build();
  private final Guard guard = resilience.guard("remote");
  private final GuardedOperation operation = guard.operation("op", Idempotency.NON_IDEMPOTENT);

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  @Test
  void resultsOfTimeoutsNeverRunOnTheSchedulersThread() throws Exception {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    List<CompletableFuture<String>> ends = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      CompletableFuture<String> call =
          operation.callAsync(attempt -> new CompletableFuture<String>());
      ends.add(call.handle((answer, failure) -> Thread.currentThread().getName()));
    }
    for (CompletableFuture<String> end : ends) {
      threads.add(end.get(30, TimeUnit.SECONDS));
    }
    assertThat(threads).hasSizeLessThanOrEqualTo(CallThreads.MAX_THREADS);
    assertThat(threads).allMatch(name -> name.startsWith("commslib-calls-"));
  }

  /** Stages end, time out and are cancelled as close to each other as the clock allows. */
  @Test
  void eachAttemptEndsOnceWhateverEndsIt() throws Exception {
    Random random = new Random(3);
    List<CompletableFuture<String>> calls = new ArrayList<>();
    ConcurrentLinkedQueue<CompletableFuture<String>> stages = new ConcurrentLinkedQueue<>();
    for (int round = 0; round < 20; round++) {
      List<CompletableFuture<String>> fresh = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        fresh.add(
            operation.callAsync(
                attempt -> {
                  CompletableFuture<String> stage = new CompletableFuture<>();
                  stages.add(stage);
                  return stage;
                }));
      }
      long begun = runtime.time().nanoTime();
      while (runtime.time().nanoTime() - begun < 18_000_000 + random.nextInt(8_000_000)) {
        LockSupport.parkNanos(100_000);
      }
      for (CompletableFuture<String> call : fresh) {
        if (random.nextInt(4) == 0) {
          call.cancel(true);
        }
        CompletableFuture<String> stage = stages.poll();
        if (stage != null) {
          stage.complete("answer");
        }
      }
      calls.addAll(fresh);
    }
    int answered = 0;
    int over = 0;
    for (CompletableFuture<String> call : calls) {
      try {
        answered += call.isCancelled() ? 0 : call.get(30, TimeUnit.SECONDS).length() / 6;
      } catch (ExecutionException e) {
        assertThat(e).hasMessageContaining("COMMS-CALL-002");
        over++;
      }
    }
    assertThat(answered).isPositive();
    assertThat(over).isPositive();
    while (guard.inFlight() != 0 || resilience.overrunning() != 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  /** More of them than there are threads. */
  @Test
  void stagesWhoseCancelHangsDelayNoOtherCall() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    try {
      List<CompletableFuture<String>> calls = new ArrayList<>();
      for (int i = 0; i < 2 * CallThreads.MAX_THREADS; i++) {
        calls.add(operation.callAsync(attempt -> new HangingCancel(end)));
      }
      calls.add(operation.callAsync(attempt -> new CompletableFuture<>()));
      for (CompletableFuture<String> call : calls) {
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
            .hasMessageContaining("COMMS-CALL-002");
      }
    } finally {
      end.countDown();
    }
  }

  private static final class HangingCancel extends CompletableFuture<String> {
    private final CountDownLatch end;

    HangingCancel(CountDownLatch end) {
      this.end = end;
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
      try {
        end.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return super.cancel(mayInterrupt);
    }
  }

  @Test
  void aCallEndsAlsoIfTheRuntimeIsClosed() throws Exception {
    runtime.close();
    GuardedOperation safe = guard.operation("op", Idempotency.SAFE);
    CompletableFuture<String> call =
        safe.callAsync(
            attempt -> CompletableFuture.failedFuture(new java.net.ConnectException("refused")));
    assertThat(AsyncCallTest.failure(call)).hasMessageStartingWith("COMMS-CALL-001");
    assertThat(guard.inFlight()).isZero();
  }
}
