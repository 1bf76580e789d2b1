package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Loaders whose callers are real threads. */
class BatchLoaderThreadsTest {

  /** Longer than any test, which ends it by filling the batch. */
  private static final Duration WIDE = Duration.ofMinutes(1);

  /** For tests of its end; long enough for a few threads to start before it. */
  private static final Duration SHORT = Duration.ofSeconds(2);

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience =
      Resilience.builder(runtime)
          .defaults(
              CallPolicy.builder()
                  .deadline(Duration.ofSeconds(60))
                  .attemptTimeout(Duration.ofSeconds(60))
                  .without(Part.BREAKER)
                  .without(Part.RETRY)
                  .build())
          .build();
  private final GuardedOperation operation =
      resilience.guard("pricing").operation("quotes", Idempotency.SAFE);
  private final List<List<Integer>> calls = Collections.synchronizedList(new ArrayList<>());
  private final List<String> callers = Collections.synchronizedList(new ArrayList<>());

  /** A caller on its own thread. */
  private record Caller<T>(Thread thread, FutureTask<T> result) {
    T get() throws Exception {
      return result.get(30, TimeUnit.SECONDS);
    }
  }

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  private <T> Caller<T> start(String name, Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = runtime.newThread(name, task);
    thread.start();
    return new Caller<>(thread, task);
  }

  /** Starts a caller and waits until it is in the queue. */
  private <T> Caller<T> enter(BatchLoader<Integer, String> loader, Callable<T> work) {
    int before = loader.waiting();
    Caller<T> caller = start("test-caller-" + before, work);
    Await.until("it waits", () -> loader.waiting() == before + 1);
    return caller;
  }

  private Map<Integer, String> quotes(List<Integer> keys) {
    calls.add(keys);
    callers.add(Thread.currentThread().getName());
    Map<Integer, String> quotes = new LinkedHashMap<>();
    keys.forEach(key -> quotes.put(key, "quote " + key));
    return quotes;
  }

  private BatchLoader<Integer, String> brief() {
    return BatchLoader.builder(operation, this::quotes).window(SHORT).build();
  }

  private BatchLoader<Integer, String> wide(int maxBatch, BatchWork<Integer, String> work) {
    return BatchLoader.builder(operation, work).maxBatch(maxBatch).window(WIDE).build();
  }

  @Test
  void callersShareACallInTheOrderOfTheirArrivalAndEqualKeysOneEntry() throws Exception {
    BatchLoader<Integer, String> loader = wide(5, this::quotes);
    List<Caller<String>> waiting = new ArrayList<>();
    for (int key : List.of(5, 3, 5, 4)) {
      waiting.add(enter(loader, () -> loader.load(key)));
    }
    assertThat(loader.load(1)).isEqualTo("quote 1");
    for (int i = 0; i < 4; i++) {
      assertThat(waiting.get(i).get()).isEqualTo("quote " + List.of(5, 3, 5, 4).get(i));
    }
    assertThat(calls).containsExactly(List.of(5, 3, 4, 1));
    assertThat(loader.waiting()).isZero();
  }

  @Test
  void theCallerWithTheLatestDeadlineMakesTheCall() throws Exception {
    BatchLoader<Integer, String> loader = wide(3, this::quotes);
    Caller<String> first =
        enter(loader, () -> CallContext.within(Duration.ofSeconds(20), () -> loader.load(1)));
    Caller<String> second = enter(loader, () -> loader.load(2));
    assertThat(CallContext.within(Duration.ofSeconds(10), () -> loader.load(3)))
        .isEqualTo("quote 3");
    assertThat(first.get()).isEqualTo("quote 1");
    assertThat(second.get()).isEqualTo("quote 2");
    assertThat(callers).containsExactly("commslib-test-caller-1");
    assertThat(calls).containsExactly(List.of(1, 2, 3));
  }

  @Test
  void aCallerStopsAtItsOwnDeadlineAndTheCallContinuesForTheOthers() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    BatchLoader<Integer, String> loader =
        wide(
            2,
            keys -> {
              release.await();
              return quotes(keys);
            });
    Caller<String> patient = enter(loader, () -> loader.load(1));
    BatchLoadException failure =
        CallContext.within(
            Duration.ofMillis(100),
            () -> catchThrowableOfType(BatchLoadException.class, () -> loader.load(2)));
    assertThat(failure)
        .hasMessage(
            "COMMS-CALL-017: the caller's deadline has passed during the call (pricing quotes)");
    release.countDown();
    assertThat(patient.get()).isEqualTo("quote 1");
    assertThat(calls).containsExactly(List.of(1, 2));
  }

  @Test
  void moreCallersThanTheBoundAreRefused() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    BatchLoader<Integer, String> loader =
        BatchLoader.<Integer, String>builder(
                operation,
                keys -> {
                  release.await();
                  return quotes(keys);
                })
            .maxWaiting(1)
            .build();
    Caller<String> first = enter(loader, () -> loader.load(1));
    assertThatThrownBy(() -> loader.load(2))
        .hasMessage(
            "COMMS-CALL-015: as many callers wait as maxWaiting admits: 1 (pricing quotes)");
    release.countDown();
    assertThat(first.get()).isEqualTo("quote 1");
  }

  @Test
  void anInterruptedLeaderIsReplacedDuringTheWindow() throws Exception {
    BatchLoader<Integer, String> loader = brief();
    Caller<Boolean> leader =
        enter(
            loader,
            () -> {
              assertThatThrownBy(() -> loader.load(1)).hasMessageStartingWith("COMMS-CALL-018");
              return Thread.currentThread().isInterrupted();
            });
    Caller<String> second = enter(loader, () -> loader.load(2));
    Caller<String> third = enter(loader, () -> loader.load(3));
    leader.thread().interrupt();
    assertThat(leader.get()).isTrue();
    assertThat(second.get()).isEqualTo("quote 2");
    assertThat(third.get()).isEqualTo("quote 3");
    assertThat(calls).containsExactly(List.of(2, 3));
  }

  @Test
  void aBatchThatAllCallersHaveLeftTakesNoOthers() throws Exception {
    BatchLoader<Integer, String> loader = brief();
    Caller<BatchLoadException> only =
        enter(loader, () -> catchThrowableOfType(BatchLoadException.class, () -> loader.load(1)));
    only.thread().interrupt();
    assertThat(only.get().code()).isEqualTo("COMMS-CALL-018");
    assertThat(start("test-next", () -> loader.load(2)).get()).isEqualTo("quote 2");
    assertThat(calls).containsExactly(List.of(2));
  }

  @Test
  void anInterruptedLeaderIsReplacedDuringTheCall() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicBoolean first = new AtomicBoolean(true);
    BatchLoader<Integer, String> loader =
        wide(
            3,
            keys -> {
              if (first.getAndSet(false)) {
                begun.countDown();
                new CountDownLatch(1).await(1, TimeUnit.MINUTES);
              }
              return quotes(keys);
            });
    Caller<String> one = enter(loader, () -> loader.load(1));
    Caller<String> two = enter(loader, () -> loader.load(2));
    // Of callers with equal time the one that fills the batch leads.
    Caller<Boolean> leader =
        start(
            "test-leader",
            () -> {
              assertThatThrownBy(() -> loader.load(3)).hasMessageStartingWith("COMMS-CALL-018");
              return Thread.currentThread().isInterrupted();
            });
    begun.await();
    leader.thread().interrupt();
    assertThat(leader.get()).isTrue();
    assertThat(one.get()).isEqualTo("quote 1");
    assertThat(two.get()).isEqualTo("quote 2");
    assertThat(calls).containsExactly(List.of(1, 2));
  }

  @Test
  void anErrorReachesEachCallerOfTheBatch() throws Exception {
    AssertionError error = new AssertionError("planted");
    BatchLoader<Integer, String> loader =
        wide(
            2,
            keys -> {
              throw error;
            });
    Caller<Throwable> other =
        enter(loader, () -> catchThrowableOfType(Throwable.class, () -> loader.load(1)));
    assertThatThrownBy(() -> loader.load(2)).isSameAs(error);
    assertThat(other.get()).isSameAs(error);
  }

  /** Callers come, are interrupted and expire at random; each one ends, with its own value. */
  @Test
  void randomInterleavingsLoseNoCallerAndMixNoResult() throws Exception {
    AtomicInteger loaded = new AtomicInteger();
    BatchLoader<Integer, String> loader =
        BatchLoader.<Integer, String>builder(operation, keys -> chaotic(keys, loaded))
            .maxBatch(4)
            .window(Duration.ofNanos(300_000))
            .build();
    List<Caller<int[]>> threads = new ArrayList<>();
    for (int worker = 0; worker < 8; worker++) {
      SplittableRandom random = new SplittableRandom(worker);
      threads.add(start("test-loads-" + worker, () -> loads(loader, random)));
    }
    AtomicBoolean stopped = new AtomicBoolean();
    Caller<Integer> chaos = start("test-chaos", () -> interruptAtRandom(threads, stopped));
    int[] ends = new int[4];
    for (Caller<int[]> each : threads) {
      int[] own = each.result().get(120, TimeUnit.SECONDS);
      for (int i = 0; i < ends.length; i++) {
        ends[i] += own[i];
      }
    }
    stopped.set(true);
    assertThat(chaos.get()).isPositive();
    assertThat(loader.waiting()).isZero();
    assertThat(ends[0] + ends[1] + ends[2] + ends[3]).isEqualTo(8 * 2_000);
    assertThat(ends).doesNotContain(0);
    // Fewer keys were called than asked for: calls were shared.
    assertThat(calls.size()).isLessThan(ends[0]);
  }

  private Map<Integer, String> chaotic(List<Integer> keys, AtomicInteger loaded)
      throws InterruptedException {
    int number = loaded.incrementAndGet();
    if (number % 50 == 0) {
      // Ends by the interrupt of the chaos, or by the deadline of its leader.
      new CountDownLatch(1).await(20, TimeUnit.MILLISECONDS);
    }
    if (number % 20 == 0) {
      throw new IllegalStateException("planted");
    }
    LockSupport.parkNanos(number % 7 * 20_000L);
    return quotes(keys);
  }

  /** Returns the numbers of values, failures, interrupts and passed deadlines. */
  private static int[] loads(BatchLoader<Integer, String> loader, SplittableRandom random) {
    int[] ends = new int[4];
    for (int i = 0; i < 2_000; i++) {
      int key = random.nextInt(20);
      Duration time = random.nextInt(4) == 0 ? Duration.ofMillis(random.nextInt(20)) : SHORT;
      try {
        String value = CallContext.within(time, () -> loader.load(key));
        assertThat(value).isEqualTo("quote " + key);
        ends[0]++;
      } catch (BatchLoadException e) {
        switch (e.code()) {
          case "COMMS-CALL-019" -> ends[1]++;
          case "COMMS-CALL-018" -> {
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            ends[2]++;
          }
          case "COMMS-CALL-017" -> ends[3]++;
          default -> throw e;
        }
      }
      Thread.interrupted();
    }
    return ends;
  }

  private static int interruptAtRandom(List<Caller<int[]>> threads, AtomicBoolean stopped) {
    SplittableRandom random = new SplittableRandom(99);
    int interrupts = 0;
    while (!stopped.get()) {
      threads.get(random.nextInt(threads.size())).thread().interrupt();
      interrupts++;
      LockSupport.parkNanos(random.nextInt(2_000_000));
    }
    return interrupts;
  }
}
