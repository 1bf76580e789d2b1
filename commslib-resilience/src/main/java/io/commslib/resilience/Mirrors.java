package io.commslib.resilience;

import io.commslib.core.call.Refusal;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The copies of calls of a process: their threads, which are started on demand and end when idle,
 * and their bound. A copy that finds no place is dropped; nothing waits for one. Thread-safe.
 */
final class Mirrors implements AutoCloseable {

  /** The maximum number of copies in flight of a process, and of their threads. */
  static final int MAX_IN_FLIGHT = 16;

  /** The maximum number of copies in flight to one remote, so that one that hangs leaves room. */
  static final int MAX_OF_REMOTE = 8;

  private final CommsRuntime runtime;
  private final Workers workers;
  private final CallsInFlight calls;
  private final SlotBulkhead slots = new SlotBulkhead(MAX_IN_FLIGHT);
  private final Set<MirroredCall<?>> inFlight = ConcurrentHashMap.newKeySet();
  private volatile boolean isClosed;

  Mirrors(CommsRuntime runtime, CallsInFlight calls) {
    this.runtime = runtime;
    this.workers = runtime.newWorkers("mirrors", MAX_IN_FLIGHT);
    this.calls = calls;
  }

  /**
   * Starts a copy on a thread of its own, or drops it. Never throws and never waits: the thread
   * that calls has a call of its own to make. The scheduler's thread gives it to the workers, since
   * that may have to start a thread.
   */
  void offer(MirroredCall<?> copy) {
    boolean isTaken = false;
    try {
      Refusal refusal = refusal(copy);
      if (refusal != null) {
        copy.dropped(refusal);
        return;
      }
      isTaken = true;
      runtime.scheduler().schedule(Duration.ZERO, () -> start(copy));
    } catch (Throwable e) {
      // A copy must not fail the call that is copied.
      if (isTaken) {
        end(copy);
        copy.guard.countDropped();
      }
    }
  }

  private @Nullable Refusal refusal(MirroredCall<?> copy) {
    if (isClosed || !calls.isOpen()) {
      return Refusal.DRAINED;
    }
    if (!copy.lane().breaker.admits()) {
      return Refusal.BREAKER;
    }
    if (!copy.lane().bulkhead.tryAcquire()) {
      return Refusal.BULKHEAD;
    }
    if (!slots.tryAcquire()) {
      copy.lane().bulkhead.release();
      return Refusal.BULKHEAD;
    }
    inFlight.add(copy);
    return null;
  }

  private void start(MirroredCall<?> copy) {
    try {
      workers.execute(copy);
    } catch (Throwable e) {
      // Closed meanwhile, or no thread can be started.
      copy.dropped(Refusal.DRAINED);
      end(copy);
    }
  }

  /** Frees the place of a copy, once for each. */
  void end(MirroredCall<?> copy) {
    if (inFlight.remove(copy)) {
      slots.release();
      copy.lane().bulkhead.release();
    }
  }

  /** Runs the cancel of a stage, which is code of the user. */
  void execute(Runnable cancel) {
    try {
      workers.execute(cancel);
    } catch (Throwable e) {
      // The threads have ended: the stage ends by itself or never.
      Thread.onSpinWait();
    }
  }

  int inFlight() {
    return slots.inFlight();
  }

  boolean isClosed() {
    return isClosed;
  }

  /** Drops all copies in flight and all later ones. Waits for none. */
  @Override
  public void close() {
    isClosed = true;
    inFlight.forEach(MirroredCall::abandon);
    workers.close();
  }
}
