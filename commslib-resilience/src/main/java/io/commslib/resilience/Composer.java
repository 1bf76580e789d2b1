package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallWork;
import io.commslib.core.call.Deadline;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A scope for an answer that is put together from several remotes. Its parts run in parallel under
 * one deadline, the earlier of its own and that of the {@link CallContext} in which it was opened.
 * That context, with the deadline, is the current one of each part. Made by {@link
 * Resilience#composer}; its creator closes it. Thread-safe.
 *
 * <p>A part runs on a thread of the executor of {@link Resilience.Builder#partExecutor}, or else on
 * one of the runtime. It begins as soon as that thread takes it. If all threads for parts are
 * taken, the part is refused, so parts may open composers of their own.
 *
 * <p>If a required part fails, the other parts are cancelled: those that run are interrupted, and
 * the rest do not begin. A guard counts a call that was interrupted for no breaker. Code that
 * ignores interrupts keeps its thread until it returns, and {@link Resilience#overrunningParts}
 * counts it; no method of this class waits for it.
 */
public final class Composer implements AutoCloseable {

  /** The maximum number of parts of a composer. */
  public static final int MAX_PARTS = 256;

  private static final int MAX_NAME_CHARS = 128;

  private final PartThreads threads;
  private final CallContext context;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // All below is guarded by the lock.
  private final Map<String, Part<?>> parts = new LinkedHashMap<>();
  private int unfinished;
  private boolean joining;
  private boolean joined;
  private boolean closed;

  /** The first part whose failure is that of the whole. */
  private @Nullable Part<?> fatal;

  Composer(PartThreads threads, Duration timeout) {
    this.threads = threads;
    this.context =
        CallContext.current().withDeadline(Deadline.after(timeout, threads.runtime().time()));
  }

  /**
   * Starts a part without which there is no answer. Does not block, unless the executor runs the
   * part on this thread. Failures of the work or the executor are thrown by {@link #join}.
   *
   * @param <T> type of the result
   * @param name the name of the part in {@link #missing} and in failures, 1 to 128 characters
   * @param work runs at most once, on another thread; it is interrupted when it is cancelled
   * @return the part
   * @throws IllegalArgumentException if the name breaks its rule or another part has it
   * @throws ComposerException {@code COMMS-CALL-012} after {@link #join} or beyond {@value
   *     #MAX_PARTS} parts, {@code -013} after {@link #close}
   */
  public <T extends @Nullable Object> Part<T> required(String name, CallWork<? extends T, ?> work) {
    return start(new Part<>(this, checked(name), true, Objects.requireNonNull(work, "work")));
  }

  /**
   * Starts a part without which the answer is incomplete. As {@link #required}, but if it has no
   * result, {@link #missing} states why.
   *
   * @param <T> type of the result
   * @param name the name of the part in {@link #missing} and in failures, 1 to 128 characters
   * @param work runs at most once, on another thread; it is interrupted when it is cancelled
   * @return the part
   * @throws IllegalArgumentException if the name breaks its rule or another part has it
   * @throws ComposerException {@code COMMS-CALL-012} after {@link #join} or beyond {@value
   *     #MAX_PARTS} parts, {@code -013} after {@link #close}
   */
  public <T extends @Nullable Object> Part<T> optional(String name, CallWork<? extends T, ?> work) {
    return start(new Part<>(this, checked(name), false, Objects.requireNonNull(work, "work")));
  }

  private static String checked(String name) {
    return Checks.text("part", name, 1, MAX_NAME_CHARS);
  }

  private <T extends @Nullable Object> Part<T> start(Part<T> part) {
    if (!admits(part)) {
      return part;
    }
    try {
      threads.execute(() -> run(part));
    } catch (Throwable e) {
      lock.lock();
      try {
        if (!part.hasBegun()) {
          endMissing(part, MissingPart.Reason.REFUSED, e);
        } else if (e instanceof Error error) {
          throw error;
        }
      } finally {
        lock.unlock();
      }
    }
    return part;
  }

  /** Returns whether the part may be given to the executor. */
  private boolean admits(Part<?> part) {
    lock.lock();
    try {
      if (joining) {
        throw ComposerException.misuse(
            "the part is declared after join (" + part.name() + ")", part.name());
      }
      throwIfClosed();
      if (parts.size() >= MAX_PARTS) {
        throw ComposerException.misuse(
            "parts: " + (MAX_PARTS + 1) + " (expected: 1.." + MAX_PARTS + ")", part.name());
      }
      Checks.check(!parts.containsKey(part.name()), "part", part.name(), "one part of this name");
      parts.put(part.name(), part);
      unfinished++;
      if (fatal != null) {
        endMissing(part, MissingPart.Reason.CANCELLED, null);
      } else if (isExpired()) {
        endMissing(part, MissingPart.Reason.TIMED_OUT, null);
      } else if (!threads.tryAcquire()) {
        endMissing(part, MissingPart.Reason.REFUSED, null);
      } else {
        part.slotTaken();
      }
      return !part.hasEnded();
    } finally {
      lock.unlock();
    }
  }

  private <T extends @Nullable Object> void run(Part<T> part) {
    if (!begins(part)) {
      return;
    }
    T result = null;
    Throwable failure = null;
    try {
      result = part.call();
    } catch (Throwable e) {
      failure = e;
    }
    boolean isLate;
    lock.lock();
    try {
      isLate = !part.returned(result, failure, threads);
      if (!isLate) {
        ended(part);
      }
    } finally {
      lock.unlock();
    }
    if (isLate && Failures.isJvmFailure(failure)) {
      // No join reports it; the thread's own handler must see it.
      throw Failures.jvmFailure(failure).orElseThrow();
    }
  }

  private boolean begins(Part<?> part) {
    lock.lock();
    try {
      if (part.hasEnded() || part.hasBegun()) {
        return false;
      }
      if (isExpired()) {
        endMissing(part, MissingPart.Reason.TIMED_OUT, null);
        return false;
      }
      part.begin();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean isExpired() {
    return left() <= 0;
  }

  private long left() {
    return context.remainingNanos(0);
  }

  /** Lock held. Does nothing if the part has ended. */
  private void endMissing(Part<?> part, MissingPart.Reason reason, @Nullable Throwable failure) {
    if (!part.hasEnded()) {
      part.end(reason, failure, threads);
      ended(part);
    }
  }

  /** Lock held. */
  private void ended(Part<?> part) {
    unfinished--;
    if (fatal == null && part.isFatal()) {
      fatal = part;
      MissingPart why = part.missing();
      boolean isTimeOver = why != null && why.reason() == MissingPart.Reason.TIMED_OUT;
      endAll(isTimeOver ? MissingPart.Reason.TIMED_OUT : MissingPart.Reason.CANCELLED);
    }
    if (unfinished == 0 || fatal != null) {
      changed.signalAll();
    }
  }

  /** Lock held. */
  private void endAll(MissingPart.Reason reason) {
    for (Part<?> each : parts.values()) {
      endMissing(each, reason, null);
    }
  }

  /**
   * Waits until all parts have ended, a required part has failed, or the deadline has passed, and
   * cancels what is left. Blocks this thread, at most until the deadline. May be called once.
   *
   * <p>Afterwards the parts can be read, also if this method throws. If this thread is interrupted
   * while it waits, all parts are cancelled and its flag is set.
   *
   * @throws ComposerException {@code COMMS-CALL-010} if a required part failed, {@code -011} if one
   *     had not ended at the deadline, {@code -014} if one had no thread, {@code -013} if one was
   *     interrupted, this thread was, or the composer was closed, {@code -012} if called again
   * @throws Error that of a required part, or a failure of the JVM in any part
   */
  public void join() {
    lock.lock();
    try {
      if (joining) {
        throw ComposerException.misuse("join is called after join", null);
      }
      joining = true;
    } finally {
      lock.unlock();
    }
    threads.runSimulated();
    lock.lock();
    try {
      awaitParts();
    } finally {
      joined = true;
      lock.unlock();
    }
  }

  /** Lock held. */
  private void awaitParts() {
    try {
      while (unfinished > 0 && left() > 0) {
        Waits.await(threads.runtime(), lock, changed, left());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      endAll(MissingPart.Reason.CANCELLED);
      throw ComposerException.cancelled("the joining thread was interrupted", e);
    }
    endAll(MissingPart.Reason.TIMED_OUT);
    Part<?> failed = fatal;
    MissingPart why = failed == null ? null : failed.missing();
    if (why == null || why.failure().isEmpty()) {
      throwIfClosed();
    }
    if (failed != null && why != null) {
      throwFailure(failed, why);
    }
  }

  /** Lock held. */
  private void throwIfClosed() {
    if (closed) {
      throw ComposerException.cancelled("the composer was closed", null);
    }
  }

  private void throwFailure(Part<?> failed, MissingPart why) {
    Throwable failure = why.failure().orElse(null);
    Failures.jvmFailure(failure)
        .ifPresent(
            error -> {
              throw error;
            });
    if (failure instanceof Error error) {
      throw error;
    }
    throw ComposerException.of(failed, why);
  }

  /**
   * Returns the parts without a result and the reason of each, in the order of their declaration.
   * Parts that have not ended are not in it, so it is complete after {@link #join}.
   *
   * @return the reasons by name, unmodifiable
   */
  public Map<String, MissingPart> missing() {
    Map<String, MissingPart> found = new LinkedHashMap<>();
    lock.lock();
    try {
      for (Part<?> each : parts.values()) {
        MissingPart why = each.missing();
        if (why != null) {
          found.put(each.name(), why);
        }
      }
    } finally {
      lock.unlock();
    }
    return Collections.unmodifiableMap(found);
  }

  /**
   * Cancels the parts that have not ended, and returns without waiting for their code. A thread in
   * {@link #join} returns. Repeated calls do nothing.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      endAll(MissingPart.Reason.CANCELLED);
    } finally {
      lock.unlock();
    }
  }

  CallContext context() {
    return context;
  }

  /** Returns the reason why a part has no result, or null if it has one. */
  @Nullable MissingPart readable(Part<?> part) {
    lock.lock();
    try {
      if (!joined) {
        throw ComposerException.misuse(
            "the part is read before join (" + part.name() + ")", part.name());
      }
      return part.missing();
    } finally {
      lock.unlock();
    }
  }
}
