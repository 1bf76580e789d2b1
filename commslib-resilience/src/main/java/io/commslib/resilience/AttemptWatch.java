package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.WorkInterrupts;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Ends attempts that overrun their time. All attempts of a process share one tick of 5 ms, which
 * runs only while an attempt is in flight; an attempt has no timer and no thread of its own.
 *
 * <p>Attempts are pushed on one of several stacks with one atomic update, and swept by the tick
 * once they have ended. An attempt changes its state by compare-and-set, so that either it ends
 * first and is never stopped, or the tick is first. The end of an attempt on a thread then waits
 * for the interrupt and clears it: the interrupt never reaches the code after the call.
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

  /**
   * Watches an attempt until {@link #end} or {@link #tryEnd}. The same object may be watched again
   * after its end.
   */
  void begin(Watched watched, long deadlineNanos) {
    int state = watched.get();
    int running = (state & ~Watched.KIND) + Watched.ROUND;
    watched.deadlineNanos = deadlineNanos;
    if ((state & Watched.KIND) == Watched.ENDED && watched.compareAndSet(state, running)) {
      // No tick has swept it since its end, so it still is on a stack.
      return;
    }
    watched.setPlain(running);
    push(watched);
  }

  /** Watches an object without a thread from now on, whether it is watched already or not. */
  void restart(Watched watched, long deadlineNanos) {
    tryEnd(watched);
    begin(watched, deadlineNanos);
  }

  private void push(Watched watched) {
    int stack = (int) Thread.currentThread().getId() & (STACKS - 1);
    Watched head;
    do {
      head = stacks.get(stack);
      watched.next = head;
    } while (!stacks.compareAndSet(stack, head, watched));
    if (!ticking.get() && ticking.compareAndSet(false, true) && !schedule()) {
      // The runtime is closed: what has ended must not stay on the stacks.
      sweepAll();
      ticking.set(false);
    }
  }

  private boolean schedule() {
    try {
      runtime.scheduler().schedule(TICK, this::tick);
      return true;
    } catch (RuntimeException | Error e) {
      ticking.set(false);
      return false;
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

  /** Takes a stack, stops what overran, and pushes what is still in time. */
  private boolean sweep(int stack, long now) {
    Watched first = stacks.getAndSet(stack, null);
    Watched kept = null;
    Watched last = null;
    while (first != null) {
      Watched each = first;
      // An attempt that is over may be pushed again at once, which sets its next one.
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

  /** Whether the tick need not see an attempt again; stops one that has overrun its time. */
  private boolean isOver(Watched watched, long now) {
    while (true) {
      int state = watched.get();
      int round = state & ~Watched.KIND;
      if ((state & Watched.KIND) == Watched.ENDED) {
        if (watched.compareAndSet(state, round | Watched.SWEPT)) {
          return true;
        }
      } else if (now - watched.deadlineNanos < 0) {
        return false;
      } else if (watched.thread == null && watched.compareAndSet(state, round | Watched.SWEPT)) {
        // From here on it may be watched again.
        stop(watched);
        return true;
      } else if (watched.compareAndSet(state, round | Watched.STOPPING)) {
        stop(watched);
        watched.set(round | Watched.SWEPT);
        return true;
      }
    }
  }

  private void stop(Watched watched) {
    try {
      watched.overran(this);
    } catch (Throwable e) {
      // Without memory, for example. The others of this sweep must end in time all the same.
      Thread.onSpinWait();
    }
  }

  /**
   * Ends an attempt of this thread.
   *
   * @return whether the tick has interrupted it; the interrupt is then cleared, apart from that of
   *     work around it
   */
  boolean end(Watched watched) {
    if (tryEnd(watched)) {
      return false;
    }
    while ((watched.get() & Watched.KIND) == Watched.STOPPING) {
      Thread.onSpinWait();
    }
    WorkInterrupts.returned(watched);
    return true;
  }

  /** Ends an attempt unless the tick or another thread has ended it; returns whether it did. */
  static boolean tryEnd(Watched watched) {
    int state = watched.get();
    return (state & Watched.KIND) == Watched.RUNNING
        && watched.compareAndSet(state, state | Watched.ENDED);
  }

  /** Counts an attempt that overran its time and whose code has not returned. */
  void overran() {
    overruns.incrementAndGet();
    overrunning.incrementAndGet();
  }

  /** Counts an attempt that was cancelled and whose stage has not ended. */
  void cancelled() {
    overrunning.incrementAndGet();
  }

  /** The code of an attempt that was counted has returned. */
  void returned() {
    overrunning.decrementAndGet();
  }

  /** The number of attempts that were stopped and whose code has not returned. */
  int overrunning() {
    return overrunning.get();
  }

  /** The number of attempts that overran their time. */
  long overruns() {
    return overruns.get();
  }

  /**
   * An attempt in flight. Its state has the number of times that it was watched above two bits of
   * what it does: a tick that has read one time must not stop the next one.
   */
  static class Watched extends AtomicInteger {
    private static final long serialVersionUID = 1L;

    private static final int KIND = 3;
    private static final int RUNNING = 0;
    private static final int ENDED = 1;
    private static final int STOPPING = 2;

    /** On no stack: not watched yet, or swept by the tick. */
    private static final int SWEPT = 3;

    private static final int ROUND = 4;

    private final transient @Nullable Thread thread;
    private long deadlineNanos;
    private transient @Nullable Watched next;

    /** Creates an attempt. The tick interrupts the thread, if there is one. */
    Watched(@Nullable Thread thread) {
      super(SWEPT);
      this.thread = thread;
    }

    final boolean hasThread() {
      return thread != null;
    }

    /** Called by the tick, at most once for each time it is watched. Must not block or fail. */
    void overran(AttemptWatch watch) {
      watch.overran();
      if (thread != null) {
        WorkInterrupts.interrupt(this, thread);
      }
    }
  }
}
