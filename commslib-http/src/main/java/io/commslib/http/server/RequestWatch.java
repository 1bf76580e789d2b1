package io.commslib.http.server;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.WorkInterrupts;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Interrupts threads whose request overruns its time: while its body is read, its handler runs or
 * its answer is written. All requests share one tick, which runs only while a request is in flight.
 * An interrupt ends a blocking read or write of a channel and closes the connection.
 *
 * <p>A request passes several phases. Each phase ends by compare-and-set: either it ends first and
 * is never interrupted, or its end waits for the interrupt and clears it.
 */
final class RequestWatch {

  static final Duration TICK = Duration.ofMillis(5);

  private final CommsRuntime runtime;
  private final Set<Watched> all = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean ticking = new AtomicBoolean();
  private final AtomicLong overruns = new AtomicLong();

  RequestWatch(CommsRuntime runtime) {
    this.runtime = runtime;
  }

  /** Watches the current thread until {@link Watched#close}. */
  Watched begin(long limitNanos) {
    Watched watched = new Watched(this, Thread.currentThread(), limitNanos);
    all.add(watched);
    if (!ticking.get() && ticking.compareAndSet(false, true)) {
      schedule();
    }
    return watched;
  }

  private void schedule() {
    try {
      runtime.scheduler().schedule(TICK, this::tick);
    } catch (RuntimeException | Error e) {
      // The runtime is closed: requests end without being interrupted.
      ticking.set(false);
    }
  }

  private void tick() {
    boolean any = true;
    // A clock that fails must not end the tick for good.
    try {
      long now = runtime.time().nanoTime();
      all.forEach(watched -> watched.check(now));
      any = isAny();
    } finally {
      if (any) {
        schedule();
      }
    }
  }

  private boolean isAny() {
    if (!all.isEmpty()) {
      return true;
    }
    ticking.set(false);
    // A request that was added in the meantime has seen a running tick.
    return !all.isEmpty() && ticking.compareAndSet(false, true);
  }

  /** Interrupts everything in flight. */
  void interruptAll() {
    all.forEach(Watched::interruptNow);
  }

  /** The number of phases that overran their time. */
  long overruns() {
    return overruns.get();
  }

  /** A request in flight. Its methods are called by its own thread, unless they say otherwise. */
  static final class Watched extends AtomicInteger implements AutoCloseable {
    private static final long serialVersionUID = 1L;

    private static final int RUNNING = 0;
    private static final int PAUSED = 1;
    private static final int INTERRUPTING = 2;
    private static final int INTERRUPTED = 3;

    private final transient RequestWatch watch;
    private final transient Thread thread;
    private volatile long limitNanos;

    private Watched(RequestWatch watch, Thread thread, long limitNanos) {
      this.watch = watch;
      this.thread = thread;
      this.limitNanos = limitNanos;
    }

    /** Moves the end of the current phase. */
    void renew(long until) {
      limitNanos = until;
    }

    /**
     * Ends the current phase and begins another one. Clears every interrupt: one that a handler has
     * left would close the connection when the answer is written.
     *
     * @return whether the phase had been interrupted by the watch
     */
    boolean next(long until) {
      boolean overran = end();
      limitNanos = until;
      set(RUNNING);
      return overran;
    }

    private boolean end() {
      boolean overran = false;
      // While the tick interrupts, its interrupt is still to come: it must not reach later code.
      while (!compareAndSet(RUNNING, PAUSED)) {
        if (get() == INTERRUPTED) {
          overran = true;
          set(PAUSED);
          break;
        }
        Thread.onSpinWait();
      }
      if (overran) {
        WorkInterrupts.returned(this);
      } else {
        Thread.interrupted();
      }
      return overran;
    }

    /** Whether the watch has interrupted the current phase. */
    boolean isInterrupted() {
      return get() >= INTERRUPTING;
    }

    /** On the thread of the tick. */
    private void check(long now) {
      if (now - limitNanos < 0 || !compareAndSet(RUNNING, INTERRUPTING)) {
        return;
      }
      // The phase may have been renewed, or may have been another one, when the limit was read.
      if (now - limitNanos < 0) {
        set(RUNNING);
        return;
      }
      watch.overruns.incrementAndGet();
      WorkInterrupts.interrupt(this, thread);
      set(INTERRUPTED);
    }

    /** On any thread. */
    private void interruptNow() {
      if (compareAndSet(RUNNING, INTERRUPTING)) {
        WorkInterrupts.interrupt(this, thread);
        set(INTERRUPTED);
      }
    }

    @Override
    public void close() {
      end();
      watch.all.remove(this);
    }
  }
}
