package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Copies on real threads: those that hang, fail with errors, are slow, or are too many. */
class MirrorThreadsTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final ConcurrentLinkedQueue<CallOutcome> ended = new ConcurrentLinkedQueue<>();
  private final AtomicInteger dropped = new AtomicInteger();
  private final AtomicInteger interrupts = new AtomicInteger();
  private final AtomicInteger hanging = new AtomicInteger();
  private final CountDownLatch released = new CountDownLatch(1);
  private final Set<Thread> threadsBefore = Thread.getAllStackTraces().keySet();
  private Resilience resilience = resilience(mirroring());
  private Guard guard = resilience.guard("pricing");

  private static CallPolicy.Builder mirroring() {
    return CallPolicy.builder().mirror(TrafficMirror.of("canary", 100));
  }

  private void use(CallPolicy.Builder policy) {
    resilience.close();
    resilience = resilience(policy);
    guard = resilience.guard("pricing");
  }

  private Resilience resilience(CallPolicy.Builder policy) {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onMirror(
              CallTarget target, CallOutcome outcome, Duration elapsed, Optional<Refusal> refusal) {
            if (refusal.isPresent()) {
              dropped.incrementAndGet();
            } else {
              ended.add(outcome);
            }
          }
        };
    return Resilience.builder(runtime).observer(observer).defaults(policy.build()).build();
  }

  @AfterEach
  void end() {
    released.countDown();
    resilience.close();
    runtime.close();
  }

  private GuardedOperation operation() {
    return guard.operation("quote", Idempotency.SAFE);
  }

  /** Those of this test; threads of earlier ones may still be about to end. */
  private long mirrorThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(each -> !threadsBefore.contains(each))
        .filter(each -> each.getName().startsWith("commslib-mirrors"))
        .filter(each -> each.getState() != Thread.State.TERMINATED)
        .count();
  }

  private void hang() {
    hanging.incrementAndGet();
    boolean isReleased = false;
    while (!isReleased) {
      try {
        released.await();
        isReleased = true;
      } catch (InterruptedException e) {
        // Ignored on purpose.
        interrupts.incrementAndGet();
      }
    }
  }

  @Test
  void aMirrorThatHangsTakesNothingFromTheCallsAndThreadsDoNotGrow() {
    use(mirroring().attemptTimeout(Duration.ofMillis(50)));
    long begun = System.nanoTime();
    for (int i = 0; i < 500; i++) {
      String answer =
          operation()
              .call(
                  attempt -> {
                    if (attempt.isMirrored()) {
                      hang();
                    }
                    return "answer";
                  });
      assertThat(answer).isEqualTo("answer");
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(5));
    assertThat(guard.copiesInFlight()).isEqualTo(Mirrors.MAX_OF_REMOTE);
    assertThat(guard.droppedCopies()).isEqualTo(500 - Mirrors.MAX_OF_REMOTE);
    Await.until("all copies hang", LIMIT, () -> hanging.get() == Mirrors.MAX_OF_REMOTE);
    assertThat(mirrorThreads()).isEqualTo(Mirrors.MAX_OF_REMOTE);
    assertThat(guard.inFlight()).isZero();
    // Another remote still has copies.
    Guard other = resilience.guard("other");
    CountDownLatch copied = new CountDownLatch(1);
    other.operation("op", Idempotency.SAFE).call(attempt -> count(attempt, copied));
    Await.until("the copy of another remote", LIMIT, () -> copied.getCount() == 0);
    Await.until("all copies have overrun", LIMIT, () -> interrupts.get() == Mirrors.MAX_OF_REMOTE);
    assertThat(resilience.drain(Duration.ofSeconds(10))).as("waits for no copy").isTrue();
    assertThat(resilience.overrunning()).isZero();
    resilience.close();
  }

  private static String count(CallContext attempt, CountDownLatch copied) {
    if (attempt.isMirrored()) {
      copied.countDown();
    }
    return "answer";
  }

  @Test
  void anErrorOfACopyReachesNoCallAndItsThreadGoesOn() {
    use(mirroring().without(Part.BREAKER));
    List<Error> errors =
        List.of(new AssertionError("broken"), new StackOverflowError(), new OutOfMemoryError("no"));
    for (Error error : errors) {
      for (int i = 0; i < 20; i++) {
        String answer =
            operation()
                .call(
                    attempt -> {
                      if (attempt.isMirrored()) {
                        throw error;
                      }
                      return "answer";
                    });
        assertThat(answer).isEqualTo("answer");
        Await.until("the copy", LIMIT, () -> guard.copiesInFlight() == 0);
      }
    }
    Await.until("all copies are reported", LIMIT, () -> ended.size() == 60);
    assertThat(guard.droppedCopies()).isZero();
  }

  @Test
  void aSlowCopyIsInterruptedAtItsOwnTimeAndDelaysNoCall() throws InterruptedException {
    use(mirroring().attemptTimeout(Duration.ofMillis(100)));
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    long begun = System.nanoTime();
    String answer =
        operation()
            .call(
                attempt -> {
                  if (attempt.isMirrored()) {
                    try {
                      released.await();
                    } catch (InterruptedException e) {
                      interrupted.complete(true);
                      throw e;
                    }
                  }
                  return "answer";
                });
    assertThat(answer).isEqualTo("answer");
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(2));
    Await.until("the end of the copy", LIMIT, () -> !ended.isEmpty());
    assertThat(interrupted).isCompletedWithValue(true);
    assertThat(ended).extracting(CallOutcome::status).containsOnly(CallStatus.DEADLINE_EXCEEDED);
  }

  @Test
  void theCancelOfACallDoesNotReachItsCopy() {
    CountDownLatch begun = new CountDownLatch(1);
    CompletableFuture<String> future =
        operation()
            .callAsync(
                attempt -> {
                  if (!attempt.isMirrored()) {
                    return new CompletableFuture<>();
                  }
                  begun.countDown();
                  return CompletableFuture.supplyAsync(
                      () -> {
                        hang();
                        return "of the copy";
                      });
                });
    Await.until("the copy begins", LIMIT, () -> begun.getCount() == 0);
    future.cancel(true);
    assertThat(guard.copiesInFlight()).isEqualTo(1);
    released.countDown();
    Await.until("the end of the copy", LIMIT, () -> !ended.isEmpty());
    assertThat(ended).allMatch(CallOutcome::isSuccess);
  }

  @Test
  void anInterruptOfTheCallerDoesNotReachTheCopy() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    List<Throwable> ends = new ArrayList<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                operation()
                    .call(
                        attempt -> {
                          if (attempt.isMirrored()) {
                            begun.countDown();
                            released.await();
                            return "of the copy";
                          }
                          new CountDownLatch(1).await();
                          return "never";
                        });
              } catch (Exception e) {
                ends.add(e);
              }
            });
    caller.start();
    Await.until("the copy begins", LIMIT, () -> begun.getCount() == 0);
    caller.interrupt();
    caller.join(LIMIT.toMillis());
    assertThat(ends).hasSize(1).allMatch(CallException.class::isInstance);
    released.countDown();
    Await.until("the end of the copy", LIMIT, () -> !ended.isEmpty());
    assertThat(ended).allMatch(CallOutcome::isSuccess);
  }

  @Test
  void closeDropsCopiesInFlightAndLaterOnes() {
    CountDownLatch begun = new CountDownLatch(2);
    CompletableFuture<String> stage = new CompletableFuture<>();
    AtomicInteger interrupted = new AtomicInteger();
    operation()
        .callAsync(
            attempt -> {
              if (attempt.isMirrored()) {
                begun.countDown();
                return stage;
              }
              return CompletableFuture.completedFuture("answer");
            })
        .join();
    callBlocking(begun, interrupted);
    Await.until("both copies begin", LIMIT, () -> begun.getCount() == 0);
    resilience.close();
    Await.until("the thread is interrupted", LIMIT, () -> interrupted.get() == 1);
    Await.until("the stage is cancelled", LIMIT, stage::isCancelled);
    Await.until("nothing is in flight", LIMIT, () -> guard.copiesInFlight() == 0);
    operation().call(attempt -> "answer");
    assertThat(guard.droppedCopies()).isEqualTo(1);
    Await.until("the threads end", LIMIT, () -> mirrorThreads() == 0);
  }

  @Test
  void noCopyIsMadeOnceADrainBegins() throws Exception {
    CompletableFuture<Boolean> drained = new CompletableFuture<>();
    AtomicInteger copies = new AtomicInteger();
    AtomicInteger answers = new AtomicInteger();
    operation()
        .withoutMirror()
        .call(
            attempt -> {
              new Thread(() -> drained.complete(resilience.drain(LIMIT))).start();
              Await.until(
                  "the drain begins",
                  LIMIT,
                  () -> resilience.health().status() == Health.Status.DOWN);
              // One of the last calls, which an attempt in flight makes.
              return operation().call(inner -> counted(inner, copies, answers));
            });
    assertThat(drained.get(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(answers.get()).isEqualTo(1);
    assertThat(guard.droppedCopies()).isEqualTo(1);
    assertThat(copies.get()).isZero();
  }

  private void callBlocking(CountDownLatch begun, AtomicInteger interrupted) {
    try {
      operation()
          .call(
              attempt -> {
                if (attempt.isMirrored()) {
                  begun.countDown();
                  try {
                    released.await();
                  } catch (InterruptedException e) {
                    interrupted.incrementAndGet();
                    throw e;
                  }
                }
                return "answer";
              });
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void ofManyCallsEachHasACopyOrADrop() throws Exception {
    int threads = 4;
    // So few that their events fit into the observer's queue.
    int each = 700;
    AtomicInteger copies = new AtomicInteger();
    AtomicInteger answers = new AtomicInteger();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      Thread caller =
          new Thread(
              () -> {
                for (int i = 0; i < each; i++) {
                  operation().call(attempt -> counted(attempt, copies, answers));
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) {
      caller.join(LIMIT.toMillis());
    }
    Await.until("nothing is in flight", LIMIT, () -> guard.copiesInFlight() == 0);
    assertThat(answers.get()).isEqualTo(threads * each);
    assertThat(copies.get() + guard.droppedCopies()).isEqualTo((long) threads * each);
    assertThat(copies.get()).isPositive();
    assertThat(mirrorThreads()).isLessThanOrEqualTo(Mirrors.MAX_IN_FLIGHT);
    resilience.close();
    Await.until("all are reported", LIMIT, () -> ended.size() == copies.get());
    assertThat(dropped.get()).isEqualTo((int) guard.droppedCopies());
  }

  private static String counted(CallContext attempt, AtomicInteger copies, AtomicInteger answers) {
    (attempt.isMirrored() ? copies : answers).incrementAndGet();
    return "answer";
  }
}
