package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Equal calls that share one call in flight. */
class CollapseTest {

  private final VirtualTime time = VirtualTime.create();
  private final List<String> calls = new ArrayList<>();
  private final CommsObserver observer =
      new CommsObserver() {
        @Override
        public void onCall(CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
          calls.add(outcome.status() + " " + attempts);
        }
      };
  private final Guard guard = Resilience.builder(time).observer(observer).build().guard("pricing");
  private final GuardedOperation operation =
      guard.operation("quote", Idempotency.SAFE).collapsing("article 7");
  private final List<CompletableFuture<String>> stages = new ArrayList<>();

  private final SystemRuntime real = SystemRuntime.platformThreads();
  private final Guard realGuard = Resilience.create(real).guard("pricing");
  private final GuardedOperation blocking =
      realGuard.operation("quote", Idempotency.SAFE).collapsing("article 7");

  @AfterEach
  void close() {
    real.close();
  }

  private CompletionStage<String> open(CallContext attempt) {
    CompletableFuture<String> stage = new CompletableFuture<>();
    stages.add(stage);
    return stage;
  }

  private CompletableFuture<String> within(Duration timeout) {
    return CallContext.within(
        Deadline.after(timeout, time.time()), () -> operation.callAsync(this::open));
  }

  @Test
  void concurrentCallsWithOneKeyShareOneCall() {
    CompletableFuture<String> leader = operation.callAsync(this::open);
    CompletableFuture<String> follower = operation.callAsync(this::open);
    CompletableFuture<String> other =
        guard.operation("quote", Idempotency.SAFE).collapsing("article 8").callAsync(this::open);
    CompletableFuture<String> otherOperation =
        guard.operation("stock", Idempotency.SAFE).collapsing("article 7").callAsync(this::open);
    assertThat(stages).hasSize(3);
    stages.get(0).complete("shared");
    time.runUntilIdle();
    assertThat(leader).isCompletedWithValue("shared");
    assertThat(follower).isCompletedWithValue("shared");
    assertThat(other).isNotDone();
    assertThat(otherOperation).isNotDone();
    // A follower is a call without attempts.
    assertThat(calls).containsExactlyInAnyOrder("OK 1", "OK 0");
    assertThat(guard.shared().size()).isEqualTo(2);
  }

  @Test
  void nothingIsKeptAfterTheEnd() {
    operation.callAsync(this::open);
    stages.get(0).complete("first");
    CompletableFuture<String> next = operation.callAsync(this::open);
    stages.get(1).complete("second");
    assertThat(next).isCompletedWithValue("second");
    assertThat(guard.shared().size()).isZero();
  }

  @Test
  void theLeadersFailureIsThatOfAllFollowers() {
    CompletableFuture<String> leader = operation.callAsync(this::open);
    CompletableFuture<String> follower = operation.callAsync(this::open);
    IllegalStateException answer = new IllegalStateException("no such article");
    stages.get(0).completeExceptionally(answer);
    time.runUntilIdle();
    assertThat(AsyncCallTest.failure(leader)).isSameAs(answer);
    assertThat(AsyncCallTest.failure(follower)).isSameAs(answer);
    assertThat(stages).hasSize(1);
  }

  @Test
  void aCancelledLeaderFailsNoFollower() {
    CompletableFuture<String> leader = operation.callAsync(this::open);
    CompletableFuture<String> second = operation.callAsync(this::open);
    CompletableFuture<String> third = operation.callAsync(this::open);
    leader.cancel(true);
    time.runUntilIdle();
    assertThat(stages.get(0)).isCancelled();
    assertThat(stages).hasSize(2);
    stages.get(1).complete("led by a follower");
    time.runUntilIdle();
    assertThat(second).isCompletedWithValue("led by a follower");
    assertThat(third).isCompletedWithValue("led by a follower");
  }

  @Test
  void aLeaderWithLessTimeFailsNoFollower() {
    CompletableFuture<String> leader = within(Duration.ofMillis(500));
    CompletableFuture<String> patient = within(Duration.ofSeconds(3));
    CompletableFuture<String> asHurried = within(Duration.ofMillis(500));
    time.advance(Duration.ofMillis(510));
    CallException failure = (CallException) AsyncCallTest.failure(leader);
    assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
    assertThat(asHurried).isCompletedExceptionally();
    assertThat(patient).isNotDone();
    assertThat(stages).hasSize(2);
    stages.get(1).complete("in time");
    assertThat(patient).isCompletedWithValue("in time");
  }

  @Test
  void aFollowerEndsAtItsOwnDeadline() {
    CompletableFuture<String> leader = operation.callAsync(this::open);
    CompletableFuture<String> hurried = within(Duration.ofMillis(300));
    time.advance(Duration.ofMillis(299));
    assertThat(hurried).isNotDone();
    time.advance(Duration.ofMillis(6));
    assertThat(AsyncCallTest.failure(hurried))
        .hasMessageStartingWith(
            "COMMS-CALL-002: the call that is shared did not end in time (pricing quote");
    stages.get(0).complete("later");
    time.runUntilIdle();
    assertThat(leader).isCompletedWithValue("later");
    assertThat(stages).hasSize(1);
  }

  @Test
  void aCancelledFollowerLeavesTheOthers() {
    CompletableFuture<String> leader = operation.callAsync(this::open);
    CompletableFuture<String> follower = operation.callAsync(this::open);
    follower.cancel(true);
    assertThat(stages.get(0)).isNotDone();
    stages.get(0).complete("answer");
    time.runUntilIdle();
    assertThat(leader).isCompletedWithValue("answer");
    assertThat(follower).isCancelled();
  }

  /** A call must have 10 ms for its first attempt: time that passes before counts for nothing. */
  @Test
  void aCallThatLeadsAtOnceMayHaveTheShortestDeadline() {
    realGuard.replacePolicy(
        CallPolicy.builder()
            .deadline(Duration.ofMillis(10))
            .attemptTimeout(Duration.ofMillis(10))
            .build());
    assertThat(blocking.<String, RuntimeException>call(attempt -> "led")).isEqualTo("led");
  }

  @Test
  void onlySafeOperationsCollapse() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard.operation("order", Idempotency.KEYED).collapsing("7"))
        .withMessage("idempotency: KEYED (expected: SAFE)");
  }

  @Test
  void collapseIsSwitchedOffByName() {
    guard.replacePolicy(CallPolicy.builder().without(Part.COLLAPSE).build());
    operation.callAsync(this::open);
    operation.callAsync(this::open);
    assertThat(stages).hasSize(2);
  }

  @Test
  void followersAreBounded() {
    GuardedOperation any = guard.operation("quote", Idempotency.SAFE).collapsing("a");
    SharedCall shared = new SharedCall(any, null, CallContext.empty());
    SharedCall follower = new SharedCall(any, null, CallContext.empty());
    for (int i = 0; i < SharedCall.MAX_FOLLOWERS; i++) {
      assertThat(shared.admits(follower)).isTrue();
    }
    assertThat(shared.admits(follower)).isFalse();
  }

  @Test
  void keysInFlightAreBounded() {
    SharedCalls shared = new SharedCalls();
    GuardedOperation any = guard.operation("quote", Idempotency.SAFE);
    for (int i = 0; i < SharedCalls.MAX_KEYS; i++) {
      SharedCall own = new SharedCall(any.collapsing("key " + i), null, CallContext.empty());
      assertThat(shared.join(own)).isSameAs(own);
    }
    assertThat(shared.join(new SharedCall(any.collapsing("one more"), null, CallContext.empty())))
        .isNull();
  }

  @Test
  void aCallWithinItsLeaderIsMadeOnItsOwn() throws Exception {
    String answer =
        operation.<String, Exception>call(
            attempt -> "outer " + operation.<String, Exception>call(inner -> "inner"));
    assertThat(answer).isEqualTo("outer inner");
  }

  /** Starts a call and returns once its thread waits, for its own stage or as a follower. */
  private Thread startWaiting(FutureTask<String> call) {
    Thread thread = real.newThread("test-collapse", call);
    thread.start();
    while (thread.getState() != Thread.State.WAITING) {
      LockSupport.parkNanos(100_000);
    }
    return thread;
  }

  @Test
  void blockingFollowersHaveTheAnswerOfTheirLeader() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    FutureTask<String> leader =
        new FutureTask<>(
            () ->
                blocking.call(
                    attempt -> {
                      release.await();
                      return "shared";
                    }));
    startWaiting(leader);
    List<FutureTask<String>> followers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      FutureTask<String> follower = new FutureTask<>(() -> blocking.call(attempt -> "own"));
      startWaiting(follower);
      followers.add(follower);
    }
    CompletableFuture<String> async =
        blocking.callAsync(attempt -> CompletableFuture.completedFuture("own"));
    release.countDown();
    assertThat(leader.get(10, TimeUnit.SECONDS)).isEqualTo("shared");
    assertThat(async.get(10, TimeUnit.SECONDS)).isEqualTo("shared");
    for (FutureTask<String> follower : followers) {
      assertThat(follower.get(10, TimeUnit.SECONDS)).isEqualTo("shared");
    }
  }

  @Test
  void anInterruptedLeaderFailsNoFollower() throws Exception {
    FutureTask<String> leader =
        new FutureTask<>(
            () ->
                blocking.call(
                    attempt -> {
                      new CountDownLatch(1).await();
                      return "never";
                    }));
    Thread leading = startWaiting(leader);
    FutureTask<String> follower = new FutureTask<>(() -> blocking.call(attempt -> "led"));
    startWaiting(follower);
    leading.interrupt();
    assertThat(follower.get(10, TimeUnit.SECONDS)).isEqualTo("led");
    assertThat(catchThrowable(() -> leader.get(10, TimeUnit.SECONDS)))
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("COMMS-CALL-006");
  }

  @Test
  void aBlockingFollowerEndsAtItsDeadlineOrInterrupt() throws Exception {
    CompletableFuture<String> leader = blocking.callAsync(this::open);
    Throwable late =
        CallContext.within(
            Duration.ofMillis(50), () -> catchThrowable(() -> blocking.call(attempt -> "own")));
    assertThat(late).hasMessageContaining("the call that is shared did not end in time");
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    Thread.currentThread().interrupt();
    Throwable interrupted = catchThrowable(() -> blocking.call(attempt -> "own"));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(interrupted).hasMessageStartingWith("COMMS-CALL-006: the thread was interrupted (");
    assertThat(realGuard.watch().overruns()).isZero();
    stages.get(0).complete("answer");
    assertThat(leader.get(10, TimeUnit.SECONDS)).isEqualTo("answer");
  }
}
