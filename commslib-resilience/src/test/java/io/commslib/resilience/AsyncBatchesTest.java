package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Keys of a loader for which no thread waits. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AsyncBatchesTest {

  private final VirtualTime time = VirtualTime.create();
  private final GuardedOperation operation = operation(time);
  private final List<List<Integer>> calls = new ArrayList<>();

  private static GuardedOperation operation(CommsRuntime runtime) {
    return Resilience.builder(runtime)
        .observer(CommsObserver.none())
        .defaults(CallPolicy.builder().without(Part.BREAKER).without(Part.RETRY).build())
        .build()
        .guard("pricing")
        .operation("quotes", Idempotency.SAFE);
  }

  private Map<Integer, String> quotes(List<Integer> keys) {
    calls.add(keys);
    return found(keys);
  }

  private static Map<Integer, String> found(List<Integer> keys) {
    return keys.stream().collect(Collectors.toMap(key -> key, key -> "quote " + key));
  }

  private CompletableFuture<String> within(
      Duration timeout, BatchLoader<Integer, String> loader, int key) {
    return CallContext.within(Deadline.after(timeout, time.time()), () -> loader.loadAsync(key));
  }

  private static Throwable failure(CompletableFuture<?> future) {
    return AsyncCallTest.failure(future);
  }

  @Test
  void keysOfAWindowShareACallInTheirOrder() {
    BatchLoader<Integer, String> loader = BatchLoader.of(operation, this::quotes);
    List<CompletableFuture<String>> all = new ArrayList<>();
    for (int key : new int[] {3, 1, 3, 2}) {
      all.add(loader.loadAsync(key));
    }
    assertThat(loader.waiting()).isEqualTo(4);
    time.advance(BatchLoader.DEFAULT_WINDOW.minusNanos(1));
    assertThat(calls).isEmpty();
    time.advance(Duration.ofNanos(1));
    assertThat(calls).containsExactly(List.of(3, 1, 2));
    assertThat(all.stream().map(CompletableFuture::join))
        .containsExactly("quote 3", "quote 1", "quote 3", "quote 2");
    assertThat(loader.waiting()).isZero();
    CompletableFuture<String> next = loader.loadAsync(1);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(next).isCompletedWithValue("quote 1");
    assertThat(calls).as("nothing is kept").hasSize(2);
  }

  @Test
  void aFullBatchIsCalledAtOnce() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).maxBatch(2).build();
    for (int key = 0; key < 5; key++) {
      loader.loadAsync(key);
    }
    time.advance(Duration.ZERO);
    assertThat(calls).containsExactly(List.of(0, 1), List.of(2, 3));
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(calls).hasSize(3);
  }

  @Test
  void eachKeyHasItsOwnResult() {
    BatchLoader<Integer, String> loader =
        BatchLoader.<Integer, String>resultBuilder(
                operation,
                keys ->
                    Map.of(
                        1, KeyResult.of("one"), 2, KeyResult.failed(new IllegalStateException())))
            .build();
    CompletableFuture<String> good = loader.loadAsync(1);
    CompletableFuture<String> bad = loader.loadAsync(2);
    CompletableFuture<String> none = loader.loadAsync(3);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(good).isCompletedWithValue("one");
    assertThat(failure(bad))
        .hasMessageStartingWith("COMMS-CALL-019: the key failed (pricing quotes")
        .hasCauseInstanceOf(IllegalStateException.class);
    assertThat(failure(none)).hasMessageStartingWith("COMMS-CALL-016: ");
  }

  @Test
  void aFailedCallFailsTheKeysOfItsBatchOnly() {
    AtomicInteger number = new AtomicInteger();
    BatchLoader<Integer, String> loader =
        BatchLoader.of(
            operation,
            keys -> {
              if (number.incrementAndGet() == 1) {
                throw new StackOverflowError("planted");
              }
              return found(keys);
            });
    CompletableFuture<String> first = loader.loadAsync(1);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    CompletableFuture<String> second = loader.loadAsync(1);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(failure(first)).isInstanceOf(StackOverflowError.class);
    assertThat(second).isCompletedWithValue("quote 1");
  }

  @Test
  void theBoundHoldsForBothWaysTogether() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).maxWaiting(2).build();
    loader.loadAsync(1);
    loader.loadAsync(2);
    assertThat(failure(loader.loadAsync(3)))
        .hasMessage(
            "COMMS-CALL-015: as many callers wait as maxWaiting admits: 2 (pricing quotes)");
    assertThat(loader.waiting()).isEqualTo(2);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    CompletableFuture<String> later = loader.loadAsync(3);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(later).isCompletedWithValue("quote 3");
  }

  @Test
  void aHurriedKeyShortensTheWindow() {
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation, this::quotes).window(Duration.ofSeconds(1)).build();
    CompletableFuture<String> patient = loader.loadAsync(1);
    CompletableFuture<String> hurried = within(Duration.ofMillis(30), loader, 2);
    time.advance(Duration.ofMillis(20));
    assertThat(patient).isCompletedWithValue("quote 1");
    assertThat(hurried).isCompletedWithValue("quote 2");
    CompletableFuture<String> tooLate = within(Duration.ofMillis(5), loader, 3);
    time.advance(Duration.ZERO);
    assertThat(failure(tooLate))
        .hasMessageStartingWith("COMMS-CALL-019: ")
        .hasRootCauseMessage(
            "COMMS-CALL-002: no time is left for an attempt (pricing quotes, DEADLINE_EXCEEDED"
                + " NOT_SENT not retryable, attempts 0, after 0 ms of 5 ms)");
    assertThat(failure(within(Duration.ZERO, loader, 4)))
        .hasMessageStartingWith("COMMS-CALL-017: the caller's deadline has passed before the call");
  }

  @Test
  void theContextOfTheCallIsThatWithTheLatestDeadline() {
    List<Long> left = new ArrayList<>();
    BatchLoader<Integer, String> loader =
        BatchLoader.of(
            operation,
            keys -> {
              left.add(CallContext.current().remainingNanos(0));
              return quotes(keys);
            });
    within(Duration.ofMillis(100), loader, 1);
    within(Duration.ofMillis(500), loader, 2);
    within(Duration.ofMillis(300), loader, 3);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(left).containsExactly(Duration.ofMillis(498).toNanos());
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void aCancelledKeyIsNotLoaded() {
    BatchLoader<Integer, String> loader = BatchLoader.of(operation, this::quotes);
    CompletableFuture<String> kept = loader.loadAsync(1);
    loader.loadAsync(2).cancel(true);
    assertThat(loader.waiting()).isOne();
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(kept).isCompletedWithValue("quote 1");
    assertThat(calls).containsExactly(List.of(1));
    loader.loadAsync(3).cancel(true);
    time.advance(BatchLoader.DEFAULT_WINDOW);
    assertThat(calls).as("a batch without keys makes no call").hasSize(1);
  }

  /** Releases a call of a real thread. */
  private final CountDownLatch release = new CountDownLatch(1);

  private Map<Integer, String> slowly(List<Integer> keys) throws InterruptedException {
    release.await();
    return found(keys);
  }

  @Test
  void aKeyEndsAtItsDeadlineDuringTheCall() throws Exception {
    try (SystemRuntime real = SystemRuntime.platformThreads()) {
      BatchLoader<Integer, String> loader = BatchLoader.of(operation(real), this::slowly);
      CompletableFuture<String> patient = loader.loadAsync(1);
      CompletableFuture<String> hurried =
          CallContext.within(Duration.ofMillis(100), () -> loader.loadAsync(2));
      Await.until("it has ended", hurried::isDone);
      assertThat(failure(hurried))
          .hasMessageStartingWith(
              "COMMS-CALL-017: the caller's deadline has passed during the call");
      assertThat(patient).isNotDone();
      release.countDown();
      assertThat(patient.get(20, TimeUnit.SECONDS)).isEqualTo("quote 1");
      assertThat(loader.waiting()).isZero();
    }
  }

  @Test
  void manyKeysNeedFewThreads() throws Exception {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    AtomicInteger made = new AtomicInteger();
    try (SystemRuntime real = SystemRuntime.platformThreads()) {
      BatchLoader<Integer, String> loader =
          BatchLoader.of(
              operation(real),
              keys -> {
                threads.add(Thread.currentThread());
                made.incrementAndGet();
                return found(keys);
              });
      List<CompletableFuture<String>> all = new ArrayList<>();
      for (int key = 0; key < 9_000; key++) {
        all.add(loader.loadAsync(key));
      }
      for (int key = 0; key < all.size(); key++) {
        assertThat(all.get(key).get(20, TimeUnit.SECONDS)).isEqualTo("quote " + key);
      }
      assertThat(threads.size()).isLessThanOrEqualTo(CallThreads.MAX_BATCHES);
      assertThat(threads).allMatch(thread -> thread.getName().startsWith("commslib-batches-"));
      assertThat(made.get()).isBetween(90, 2_000);
      assertThat(loader.waiting()).isZero();
    }
  }

  @Test
  void withoutATimerABatchIsCalledAtOnce() throws Exception {
    SystemRuntime real = SystemRuntime.platformThreads();
    BatchLoader<Integer, String> loader =
        BatchLoader.builder(operation(real), AsyncBatchesTest::found)
            .window(Duration.ofMinutes(1))
            .build();
    real.close();
    assertThat(loader.loadAsync(1).get(20, TimeUnit.SECONDS)).isEqualTo("quote 1");
  }
}
