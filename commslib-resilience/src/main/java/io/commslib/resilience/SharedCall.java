package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A call in flight that equal calls follow instead of making their own. Thread-safe. */
final class SharedCall {

  /** Further equal calls are made on their own. */
  static final int MAX_FOLLOWERS = 10_000;

  /** The thread of a blocking leader: a call within its work must not wait for itself. */
  private final @Nullable Thread leader;

  private final SharedCalls.Key key;
  private final CompletableFuture<End> end = new CompletableFuture<>();
  private final AtomicInteger followers = new AtomicInteger();

  /**
   * The end of the leader.
   *
   * @param isAbandoned whether the leader was stopped for a reason of its own
   * @param isOutOfTime whether a leader with more time could have continued
   * @param endNanos the leader's deadline
   */
  record End(
      @Nullable Object answer,
      @Nullable Throwable failure,
      CallOutcome outcome,
      boolean isAbandoned,
      boolean isOutOfTime,
      long endNanos) {

    /** The end of a call whose outcome is known; takes its answer and reports it. */
    static End of(CallProgress<?> call) {
      CallOutcome outcome = call.known();
      boolean isOutOfTime = call.isOutOfTime();
      Throwable failure = call.finish();
      boolean isAbandoned = outcome.status() == CallStatus.CANCELLED || failure instanceof Error;
      Object answer = failure == null ? call.takeAnswer() : null;
      return new End(
          answer, failure, outcome, isAbandoned, failure != null && isOutOfTime, call.endNanos);
    }

    /** The end of a call that was stopped without an outcome. */
    static End abandoned(@Nullable Throwable failure) {
      return new End(null, failure, Outcomes.CANCELLED_BEFORE, true, false, 0);
    }

    /** Without the answer and the text of the failure, which may be private. */
    @Override
    public String toString() {
      return "End{" + outcome + ", isAbandoned=" + isAbandoned + "}";
    }

    /** Whether this end is also that of a follower; otherwise the follower must lead. */
    boolean isFor(CallProgress<?> follower) {
      boolean hasMoreTime = follower.endNanos - endNanos >= Plan.MIN_ATTEMPT_NANOS;
      return !isAbandoned && !(isOutOfTime && hasMoreTime);
    }
  }

  SharedCall(GuardedOperation operation, @Nullable Thread leader) {
    this.key = SharedCalls.Key.of(operation);
    this.leader = leader;
  }

  SharedCalls.Key key() {
    return key;
  }

  /** Whether another call may follow this one. */
  boolean admits() {
    return leader != Thread.currentThread() && followers.incrementAndGet() <= MAX_FOLLOWERS;
  }

  /** Blocks until the end. */
  End await() throws InterruptedException {
    try {
      return end.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a shared call ends with a value", e);
    }
  }

  CompletionStage<End> end() {
    return end;
  }

  void end(End known) {
    end.complete(known);
  }
}
