package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.CallWork;
import io.commslib.core.call.Idempotency;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.resilience.MissingPart.Reason;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Composers on real threads. */
class ComposerThreadsTest {

  private static final Duration LONG = Duration.ofSeconds(30);

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.create(runtime);

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  private static String blocked() throws InterruptedException {
    new CountDownLatch(1).await(1, TimeUnit.MINUTES);
    return "not interrupted";
  }

  /** Waits without regard to interrupts, as careless code does. */
  private static String stubborn(CountDownLatch release) {
    boolean released = false;
    while (!released) {
      try {
        release.await();
        released = true;
      } catch (InterruptedException e) {
        // Ignored on purpose.
      }
    }
    return "too late";
  }

  private static Duration since(long startNanos) {
    return Duration.ofNanos(TimeSource.system().nanoTime() - startNanos);
  }

  @Test
  void partsRunInParallelOnThreadsOfTheRuntime() {
    CountDownLatch all = new CountDownLatch(3);
    try (Composer composer = resilience.composer(LONG)) {
      List<Part<String>> parts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        parts.add(
            composer.required(
                "part " + i,
                () -> {
                  all.countDown();
                  return all.await(20, TimeUnit.SECONDS)
                      ? Thread.currentThread().getName()
                      : "alone";
                }));
      }
      composer.join();
      assertThat(parts)
          .extracting(Part::get)
          .doesNotHaveDuplicates()
          .allSatisfy(name -> assertThat(name).startsWith("commslib-parts-"));
    }
  }

  @Test
  void joinEndsAtTheDeadlineAlthoughAPartIgnoresInterrupts() {
    CountDownLatch release = new CountDownLatch(1);
    long start = TimeSource.system().nanoTime();
    try (Composer composer = resilience.composer(Duration.ofMillis(500))) {
      composer.optional("stubborn", () -> stubborn(release));
      Part<String> order = composer.required("order", () -> "there");
      composer.join();
      assertThat(since(start)).isBetween(Duration.ofMillis(500), Duration.ofSeconds(10));
      assertThat(order.get()).isEqualTo("there");
      assertThat(composer.missing()).hasToString("{stubborn=TIMED_OUT}");
      assertThat(composer.missing().get("stubborn").hasBegun()).isTrue();
    }
    assertThat(resilience.overrunningParts()).isEqualTo(1);
    assertThat(resilience.partsInFlight()).isEqualTo(1);
    release.countDown();
    Await.until("its thread is free", () -> resilience.partsInFlight() == 0);
    assertThat(resilience.overrunningParts()).isZero();
  }

  @Test
  void aRequiredPartThatOverrunsHasAnUnknownResult() {
    Composer composer = resilience.composer(Duration.ofMillis(50));
    composer.required("order", ComposerThreadsTest::blocked);
    ComposerException failure = catchThrowableOfType(ComposerException.class, composer::join);
    assertThat(failure.code()).isEqualTo("COMMS-CALL-011");
    assertThat(failure.kind()).isEqualTo(FailureKind.UNKNOWN_RESULT);
    Await.until("it was interrupted", () -> resilience.overrunningParts() == 0);
  }

  @Test
  void aFailedRequiredPartInterruptsItsSiblingsAndNoBreakerCountsThem() {
    List<CallStatus> seen = new ArrayList<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public boolean observesCalls() {
            return true;
          }

          @Override
          public void onCall(
              CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
            seen.add(outcome.status());
          }
        };
    Resilience observed = Resilience.builder(runtime).observer(observer).build();
    Guard payments = observed.guard("payments");
    for (int i = 0; i < 25; i++) {
      CountDownLatch begun = new CountDownLatch(1);
      Composer composer = observed.composer(LONG);
      composer.optional(
          "payment",
          () ->
              payments
                  .operation("of", Idempotency.SAFE)
                  .call(
                      attempt -> {
                        begun.countDown();
                        return blocked();
                      }));
      composer.required(
          "order",
          () -> {
            begun.await();
            throw new IllegalStateException("no order");
          });
      assertThat(catchThrowableOfType(ComposerException.class, composer::join).part())
          .contains("order");
      assertThat(composer.missing().get("payment").reason()).isEqualTo(Reason.CANCELLED);
    }
    Await.until("all were interrupted", () -> observed.partsInFlight() == 0);
    assertThat(payments.breakerState()).isEqualTo(State.CLOSED);
    observed.close();
    assertThat(seen).hasSize(25).containsOnly(CallStatus.CANCELLED);
  }

  @Test
  void anInterruptOfTheJoinerCancelsAllAndItsFlagStays() throws Exception {
    CountDownLatch begun = new CountDownLatch(2);
    CountDownLatch cancelled = new CountDownLatch(2);
    FutureTask<Boolean> joiner =
        new FutureTask<>(
            () -> {
              try (Composer composer = resilience.composer(LONG)) {
                for (String name : List.of("a", "b")) {
                  composer.optional(
                      name,
                      () -> {
                        begun.countDown();
                        try {
                          return blocked();
                        } finally {
                          cancelled.countDown();
                        }
                      });
                }
                ComposerException failure =
                    catchThrowableOfType(ComposerException.class, composer::join);
                assertThat(failure)
                    .hasMessage("COMMS-CALL-013: the joining thread was interrupted");
                assertThat(composer.missing()).hasToString("{a=CANCELLED, b=CANCELLED}");
                return Thread.currentThread().isInterrupted();
              }
            });
    Thread thread = runtime.newThread("test-joiner", joiner);
    thread.start();
    begun.await();
    thread.interrupt();
    assertThat(joiner.get(20, TimeUnit.SECONDS)).isTrue();
    assertThat(cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void closeEndsAJoinOfAnotherThread() throws Exception {
    Composer composer = resilience.composer(LONG);
    CountDownLatch begun = new CountDownLatch(1);
    composer.optional(
        "payment",
        () -> {
          begun.countDown();
          return blocked();
        });
    FutureTask<ComposerException> joiner =
        new FutureTask<>(() -> catchThrowableOfType(ComposerException.class, composer::join));
    Thread thread = runtime.newThread("test-joiner", joiner);
    thread.start();
    begun.await();
    Await.until("it joins", () -> thread.getState() == Thread.State.TIMED_WAITING);
    composer.close();
    assertThat(joiner.get(20, TimeUnit.SECONDS))
        .hasMessage("COMMS-CALL-013: the composer was closed");
    Await.until("it was interrupted", () -> resilience.partsInFlight() == 0);
  }

  @Test
  void closeDoesNotWaitForAPartThatIgnoresInterrupts() {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    Composer composer = resilience.composer(LONG);
    composer.optional(
        "stubborn",
        () -> {
          begun.countDown();
          return stubborn(release);
        });
    Await.until("it runs", () -> begun.getCount() == 0);
    composer.close();
    assertThat(resilience.overrunningParts()).isEqualTo(1);
    release.countDown();
    Await.until("it ended", () -> resilience.overrunningParts() == 0);
  }

  @Test
  void partsMayOpenComposers() {
    AtomicInteger leaves = new AtomicInteger();
    nest(4, leaves);
    assertThat(leaves).hasValue(81);
    Await.until("all threads are free", () -> resilience.partsInFlight() == 0);
  }

  private void nest(int depth, AtomicInteger leaves) {
    if (depth == 0) {
      leaves.incrementAndGet();
      return;
    }
    try (Composer composer = resilience.composer(LONG)) {
      for (int i = 0; i < 3; i++) {
        composer.required(
            "part " + i,
            () -> {
              nest(depth - 1, leaves);
              return depth;
            });
      }
      composer.join();
    }
  }

  @Test
  void nestedComposersAreRefusedAndDoNotWaitForEachOther() {
    Resilience small = Resilience.builder(runtime).maxParts(2).build();
    CountDownLatch both = new CountDownLatch(2);
    long start = TimeSource.system().nanoTime();
    try (Composer outer = small.composer(LONG)) {
      for (int i = 0; i < 2; i++) {
        outer.optional(
            "outer " + i,
            () -> {
              both.countDown();
              both.await();
              try (Composer inner = small.composer(LONG)) {
                Part<String> leaf = inner.required("leaf", () -> "leaf");
                inner.join();
                return leaf.get();
              }
            });
      }
      outer.join();
      assertThat(outer.missing()).isNotEmpty();
      assertThat(outer.missing().values())
          .allSatisfy(missing -> assertThat(missing).hasToString("FAILED COMMS-CALL-014"));
    }
    assertThat(since(start)).isLessThan(Duration.ofSeconds(15));
    small.close();
  }

  @Test
  void afterCloseOfTheResiliencePartsAreRefused() {
    Resilience closed = Resilience.create(runtime);
    closed.close();
    try (Composer composer = closed.composer(LONG)) {
      composer.optional("payment", () -> "never");
      composer.join();
      assertThat(composer.missing().get("payment").reason()).isEqualTo(Reason.REFUSED);
    }
    assertThat(closed.partsInFlight()).isZero();
  }

  /** Parts end as close to their cancellation as the scheduler allows. */
  @Test
  void theInterruptOfAPartNeverReachesTheNextWorkOfItsThread() throws Exception {
    LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    AtomicBoolean stopped = new AtomicBoolean();
    AtomicInteger leaked = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Thread thread = runtime.newThread("test-parts-" + i, () -> work(tasks, stopped, leaked));
      thread.start();
      threads.add(thread);
    }
    Resilience own = Resilience.builder(runtime).partExecutor(tasks::add).build();
    SplittableRandom random = new SplittableRandom(42);
    int cancelled = 0;
    for (int race = 0; race < 10_000; race++) {
      int spins = random.nextInt(3_000);
      Composer composer = own.composer(LONG);
      AtomicBoolean begun = new AtomicBoolean();
      composer.optional("spinning", () -> spin(begun, spins));
      if (race % 2 == 0) {
        while (!begun.get()) {
          Thread.onSpinWait();
        }
        spin(begun, random.nextInt(3_000));
      }
      composer.close();
      cancelled += composer.missing().isEmpty() ? 0 : 1;
    }
    Await.until("all parts ended", () -> own.partsInFlight() == 0 && tasks.isEmpty());
    assertThat(own.overrunningParts()).isZero();
    assertThat(cancelled).isBetween(1, 9_999);
    assertThat(leaked).hasValue(0);
    stopped.set(true);
    for (Thread thread : threads) {
      thread.interrupt();
      thread.join(20_000);
    }
  }

  private static int spin(AtomicBoolean begun, int spins) {
    begun.set(true);
    for (int i = 0; i < spins; i++) {
      Thread.onSpinWait();
    }
    return spins;
  }

  private static void work(
      LinkedBlockingQueue<Runnable> tasks, AtomicBoolean stopped, AtomicInteger leaked) {
    while (!stopped.get()) {
      Runnable task = tasks.poll();
      if (task != null) {
        task.run();
        leaked.addAndGet(Thread.interrupted() ? 1 : 0);
      } else {
        LockSupport.parkNanos(10_000);
      }
    }
  }

  /** Each composition ends, with the results that its parts returned, whatever interferes. */
  @Test
  void randomCompositionsLoseNoThreadAndNoResult() throws Exception {
    List<FutureTask<Integer>> runs = new ArrayList<>();
    for (int worker = 0; worker < 4; worker++) {
      SplittableRandom random = new SplittableRandom(worker);
      FutureTask<Integer> run =
          new FutureTask<>(
              () -> {
                int complete = 0;
                for (int i = 0; i < 1_500; i++) {
                  complete += compose(random) ? 1 : 0;
                }
                return complete;
              });
      runtime.newThread("test-composer-" + worker, run).start();
      runs.add(run);
    }
    int complete = 0;
    for (FutureTask<Integer> run : runs) {
      complete += run.get(120, TimeUnit.SECONDS);
    }
    assertThat(complete).isBetween(1, 5_999);
    Await.until("all threads are free", () -> resilience.partsInFlight() == 0);
    assertThat(resilience.overrunningParts()).isZero();
  }

  /** Returns whether the composition had a result. */
  private boolean compose(SplittableRandom random) {
    Thread self = Thread.currentThread();
    List<Part<Integer>> parts = new ArrayList<>();
    boolean hasResult = false;
    try (Composer composer = resilience.composer(Duration.ofNanos(random.nextInt(20_000_000)))) {
      try {
        declare(parts, random, composer, self);
        composer.join();
        hasResult = true;
      } catch (ComposerException e) {
        if (e.getMessage().endsWith("closed")) {
          // By a part, perhaps before the join.
          return false;
        }
        assertThat(e.code()).isIn("COMMS-CALL-010", "COMMS-CALL-011", "COMMS-CALL-013");
      } catch (AssertionError e) {
        assertThat(e).hasMessage("planted");
      }
      for (Part<Integer> part : parts) {
        MissingPart missing = composer.missing().get(part.name());
        Integer value = part.orNull();
        assertThat(value == null).isEqualTo(missing != null);
        assertThat(part.name()).isEqualTo(value == null ? part.name() : "part " + value);
        assertThat(hasResult && part.isRequired() && value == null).isFalse();
      }
      return hasResult;
    } finally {
      // A part may have interrupted this thread on purpose.
      Thread.interrupted();
    }
  }

  private static void declare(
      List<Part<Integer>> parts, SplittableRandom random, Composer composer, Thread joiner) {
    int size = random.nextInt(6);
    for (int i = 0; i < size; i++) {
      int number = i;
      int dice = random.nextInt(40);
      CallWork<Integer, Exception> work = () -> part(dice, number, composer, joiner);
      parts.add(
          random.nextBoolean()
              ? composer.required("part " + i, work)
              : composer.optional("part " + i, work));
    }
  }

  private static int part(int dice, int number, Composer composer, Thread joiner)
      throws InterruptedException {
    switch (dice) {
      case 0 -> throw new IllegalStateException("planted");
      case 1 -> throw new AssertionError("planted");
      case 2 -> composer.close();
      case 3 -> joiner.interrupt();
      case 4 -> blocked();
      case 5 -> Thread.currentThread().interrupt();
      default -> LockSupport.parkNanos(dice * 10_000L);
    }
    return number;
  }
}
