package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A call in flight that equal calls follow instead of making their own. Thread-safe.
 *
 * <p>A call within the work of a leader must not wait for that leader, on whatever thread and by
 * whatever way: the leader would wait for its own end. The context of the work therefore has its
 * leader, which has the leader around it, and each leader knows for whom its work waits.
 */
final class SharedCall {

  /** Further equal calls are made on their own. */
  static final int MAX_FOLLOWERS = 10_000;

  /** The thread of a blocking leader: a call within its work must not wait for itself. */
  private final @Nullable Thread leader;

  private final SharedCalls.Key key;
  private final CompletableFuture<End> end = new CompletableFuture<>();
  private final AtomicInteger followers = new AtomicInteger();

  /** The leader within whose work this call is, without those that have ended. */
  private volatile @Nullable SharedCall outer;

  /** The calls that the work of this leader follows, with their numbers; mostly there is none. */
  private volatile @Nullable Map<SharedCall, Integer> followed;

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

  SharedCall(GuardedOperation operation, @Nullable Thread leader, CallContext context) {
    this.key = SharedCalls.Key.of(operation);
    this.leader = leader;
    this.outer = live(context.callChain() instanceof SharedCall around ? around : null);
  }

  private static @Nullable SharedCall live(@Nullable SharedCall first) {
    SharedCall found = first;
    while (found != null && found.end.isDone()) {
      found = found.outer;
    }
    return found;
  }

  /** The context of this leader's work. */
  CallContext context(CallContext around) {
    return around.withCallChain(this);
  }

  SharedCalls.Key key() {
    return key;
  }

  /**
   * Whether another call may follow this one. It then ends with {@link #leave}.
   *
   * @param follower knows the leaders within whose work it is
   */
  boolean admits(SharedCall follower) {
    if (leader == Thread.currentThread() || followers.incrementAndGet() > MAX_FOLLOWERS) {
      return false;
    }
    List<SharedCall> waiting = follower.leaders();
    if (waiting.isEmpty()) {
      return true;
    }
    // First of all, so that of two calls that would wait for each other one sees the other.
    waiting.forEach(each -> each.count(this, 1));
    if (!isEndedBy(waiting)) {
      return true;
    }
    leave(follower);
    followers.decrementAndGet();
    return false;
  }

  /** A call that was admitted follows no longer. */
  void leave(SharedCall follower) {
    follower.leaders().forEach(each -> each.count(this, -1));
  }

  /** The leaders in flight within whose work this call is, innermost first. */
  List<SharedCall> leaders() {
    SharedCall next = live(outer);
    if (next == null) {
      return List.of();
    }
    List<SharedCall> all = new ArrayList<>();
    while (next != null) {
      all.add(next);
      next = live(next.outer);
    }
    return all;
  }

  /** The number of leaders that this call keeps, ended ones included. */
  int depth() {
    int depth = 0;
    for (SharedCall next = outer; next != null; next = next.outer) {
      depth++;
    }
    return depth;
  }

  private void count(SharedCall other, int change) {
    Map<SharedCall, Integer> known = followed;
    if (known == null) {
      synchronized (this) {
        known = followed;
        if (known == null) {
          known = new ConcurrentHashMap<>();
          followed = known;
        }
      }
    }
    known.compute(
        other,
        (same, count) -> {
          int now = (count == null ? 0 : count) + change;
          return now <= 0 ? null : now;
        });
  }

  /** Whether this call waits for one of some calls, also if others are between, or is one. */
  private boolean isEndedBy(List<SharedCall> calls) {
    Set<SharedCall> seen = new HashSet<>();
    Deque<SharedCall> next = new ArrayDeque<>(List.of(this));
    while (!next.isEmpty()) {
      SharedCall each = next.pop();
      if (calls.contains(each)) {
        return true;
      }
      Map<SharedCall, Integer> known = each.followed;
      if (known != null && !each.end.isDone() && seen.add(each)) {
        next.addAll(known.keySet());
      }
    }
    return false;
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
    // A chain of calls each of which begins within the one before must not keep them all.
    outer = live(outer);
    followed = null;
  }
}
