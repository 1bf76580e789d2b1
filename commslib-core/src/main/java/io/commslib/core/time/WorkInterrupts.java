package io.commslib.core.time;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The interrupts that end work which has overrun its time: an attempt of a call, a part of a
 * composer, a handler. For engines. Thread-safe.
 *
 * <p>Such work is often nested on one thread, and as inner work ends by the deadline of the outer
 * one, both are interrupted at the same moment. A thread has one flag for both, and what clears it
 * at the end of the inner work takes the interrupt of the outer work along. Each interrupt is
 * therefore kept here until its work has returned, and the flag is set again for the outer one.
 *
 * <p>Static as the threads are those of the process, and the owners of nested work may not know
 * each other. It holds nothing but work that was interrupted and has not returned.
 */
public final class WorkInterrupts {

  /** The thread of each work that was interrupted. The keys are compared by identity. */
  private static final Map<Object, Thread> PENDING = new ConcurrentHashMap<>();

  private WorkInterrupts() {}

  /**
   * Interrupts the thread of work that has not returned. Does not block. {@link #returned} must
   * follow, so the caller excludes that the work ends at the same time.
   *
   * @param work the work, an object without an {@code equals} of its own
   * @param thread the thread on which it runs
   */
  public static void interrupt(Object work, Thread thread) {
    Objects.requireNonNull(thread, "thread");
    try {
      // First: inner work that clears the flag afterwards must find it here.
      PENDING.put(work, thread);
    } finally {
      thread.interrupt();
    }
  }

  /**
   * Clears the flag of the current thread after interrupted work has returned, unless work around
   * it was interrupted too: the flag is then set. Does not block. Without {@link #interrupt} before
   * it only clears the flag.
   *
   * @param work the work that has returned
   */
  public static void returned(Object work) {
    PENDING.remove(work);
    Thread current = Thread.currentThread();
    Thread.interrupted();
    if (PENDING.containsValue(current)) {
      current.interrupt();
    }
  }
}
