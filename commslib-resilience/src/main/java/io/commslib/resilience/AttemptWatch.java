package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Interrupts attempts that overrun their time. All attempts of a process share one tick of 5 ms,
 * which runs only while an attempt is in flight; an attempt has no timer and no thread of its own.
 *
 * <p>Attempts are pushed on one of several stacks with one atomic update, and swept by the tick
 * once they have ended. An attempt changes its state by compare-and-set, so that either it ends
 * first and is never interrupted, or the tick is first and its end waits for the interrupt and
 * clears it: the interrupt never reaches the code after the call.
 */
final class AttemptWatch {

  static final Duration TICK = Duration.ofMillis(5);

  private static final int STACKS = 16;

  private final CommsRuntime runtime;
  private final AtomicReferenceArray<@Nullable Watched> stacks = new AtomicReferenceArray<>(STACKS);
  private final AtomicBoolean ticking = new AtomicBoolean();
  private final AtomicInteger overrunning = new AtomicInteger();
  private final AtomicLong overruns = new AtomicLong();

  AttemptWatch(CommsRuntime runtime) {
    this.runtime = runtime;
  }

  /** Watches an attempt of the current thread until {@link #end}. */
  Watched begin(long deadlineNanos) {
    Watched watched = new Watched(Thread.currentThread(), deadlineNanos);
    int stack = (int) watched.thread.getId() & (STACKS - 1);
    Watched head;
    do {
      head = stacks.get(stack);
      watched.next = head;
    } while (!stacks.compareAndSet(stack, head, watched));
    if (!ticking.get() && ticking.compareAndSet(false, true)) {
      schedule();
    }
    return watched;
  }

  private void schedule() {
    try {
      runtime.scheduler().schedule(TICK, this::tick);
    } catch (RuntimeException | Error e) {
      // The runtime is closed: attempts end without being interrupted.
      ticking.set(false);
    }
  }

  private void tick() {
    // A clock that fails must not end the tick for good.
    boolean any = true;
    try {
      any = sweepAll();
    } finally {
      if (any) {
        schedule();
      }
    }
  }

  /** Returns whether the tick continues. */
  private boolean sweepAll() {
    boolean any = false;
    long now = runtime.time().nanoTime();
    for (int stack = 0; stack < STACKS; stack++) {
      any |= sweep(stack, now);
    }
    if (!any) {
      ticking.set(false);
      // An attempt that was pushed in the meantime has seen a running tick.
      any = isAnyWatched() && ticking.compareAndSet(false, true);
    }
    return any;
  }

  private boolean isAnyWatched() {
    for (int stack = 0; stack < STACKS; stack++) {
      if (stacks.get(stack) != null) {
        return true;
      }
    }
    return false;
  }

  /** Takes a stack, interrupts what overran, and pushes what is still in time. */
  private boolean sweep(int stack, long now) {
    Watched first = stacks.getAndSet(stack, null);
    Watched kept = null;
    Watched last = null;
    while (first != null) {
      Watched each = first;
      first = each.next;
      if (isOver(each, now)) {
        continue;
      }
      each.next = kept;
      last = last == null ? each : last;
      kept = each;
    }
    if (kept == null || last == null) {
      return stacks.get(stack) != null;
    }
    Watched head;
    do {
      head = stacks.get(stack);
      last.next = head;
    } while (!stacks.compareAndSet(stack, head, kept));
    return true;
  }

  /** Whether the tick need not see an attempt again; interrupts one that has overrun its time. */
  private boolean isOver(Watched watched, long now) {
    if (watched.get() != Watched.RUNNING) {
      return true;
    }
    if (now - watched.deadlineNanos < 0) {
      return false;
    }
    if (watched.compareAndSet(Watched.RUNNING, Watched.INTERRUPTING)) {
      overruns.incrementAndGet();
      overrunning.incrementAndGet();
      watched.thread.interrupt();
      watched.set(Watched.INTERRUPTED);
    }
    return true;
  }

  /**
   * Ends an attempt, on its own thread.
   *
   * @return whether it had overrun its time; the interrupt of the tick is then cleared
   */
  boolean end(Watched watched) {
    if (watched.compareAndSet(Watched.RUNNING, Watched.ENDED)) {
      return false;
    }
    while (watched.get() == Watched.INTERRUPTING) {
      Thread.onSpinWait();
    }
    Thread.interrupted();
    overrunning.decrementAndGet();
    return true;
  }

  /** The number of attempts that were interrupted and whose code has not returned. */
  int overrunning() {
    return overrunning.get();
  }

  /** The number of attempts that were interrupted. */
  long overruns() {
    return overruns.get();
  }

  /** An attempt in flight. */
  static final class Watched extends AtomicInteger {
    private static final long serialVersionUID = 1L;

    private static final int RUNNING = 0;
    private static final int ENDED = 1;
    private static final int INTERRUPTING = 2;
    private static final int INTERRUPTED = 3;

    private final transient Thread thread;
    private final long deadlineNanos;
    private transient @Nullable Watched next;

    private Watched(Thread thread, long deadlineNanos) {
      this.thread = thread;
      this.deadlineNanos = deadlineNanos;
    }
  }
}
