package io.commslib.resilience;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.call.CallWork;
import io.commslib.core.time.WorkInterrupts;
import org.jspecify.annotations.Nullable;

/**
 * One part of an answer that a {@link Composer} puts together. Made by {@link Composer#required}
 * and {@link Composer#optional}; its result can be read after {@link Composer#join}. Thread-safe.
 *
 * @param <T> type of the result
 */
public final class Part<T extends @Nullable Object> {

  private final Composer composer;
  private final String name;
  private final boolean required;
  private final CallWork<? extends T, ?> work;

  // All below is guarded by the composer's lock.
  private boolean hasSlot;
  private boolean begun;
  private boolean ended;
  private boolean interrupted;
  private @Nullable Thread thread;
  private @Nullable T value;
  private @Nullable MissingPart missing;

  Part(Composer composer, String name, boolean required, CallWork<? extends T, ?> work) {
    this.composer = composer;
    this.name = name;
    this.required = required;
    this.work = work;
  }

  /** {@return the name of the part} */
  public String name() {
    return name;
  }

  /** {@return whether the answer can't be made without this part} */
  public boolean isRequired() {
    return required;
  }

  /**
   * Returns the result.
   *
   * @return the result
   * @throws ComposerException {@code COMMS-CALL-012} before {@link Composer#join} has ended; {@code
   *     -010}, {@code -011}, {@code -013} or {@code -014} if the part has no result
   */
  public T get() {
    MissingPart why = composer.readable(this);
    if (why != null) {
      throw ComposerException.of(this, why);
    }
    return value();
  }

  /**
   * Returns the result, or null if the part has none.
   *
   * @return the result, or null
   * @throws ComposerException {@code COMMS-CALL-012} before {@link Composer#join} has ended
   */
  public @Nullable T orNull() {
    return composer.readable(this) == null ? value() : null;
  }

  /**
   * Returns the result, or another value if the part has none.
   *
   * @param other the other value
   * @return the result, or the other value
   * @throws ComposerException {@code COMMS-CALL-012} before {@link Composer#join} has ended
   */
  public T orElse(T other) {
    return composer.readable(this) == null ? value() : other;
  }

  /** A part without a reason to be missing has the value that its work returned. */
  @SuppressWarnings("NullAway")
  private T value() {
    return value;
  }

  // Lock held, for all below.

  boolean hasEnded() {
    return ended;
  }

  boolean hasBegun() {
    return begun;
  }

  @Nullable MissingPart missing() {
    return missing;
  }

  void slotTaken() {
    hasSlot = true;
  }

  void begin() {
    begun = true;
    thread = Thread.currentThread();
  }

  /** Ends a part without a result; its code is interrupted if it runs. */
  void end(MissingPart.Reason reason, @Nullable Throwable failure, PartThreads threads) {
    ended = true;
    missing = new MissingPart(reason, begun, failure);
    Thread runner = thread;
    if (runner == null) {
      free(threads);
    } else {
      interrupted = true;
      threads.overrunBegins();
      WorkInterrupts.interrupt(this, runner);
    }
  }

  /** The code of the part has returned, on this thread. Returns whether it had not ended before. */
  boolean returned(@Nullable T result, @Nullable Throwable failure, PartThreads threads) {
    thread = null;
    free(threads);
    if (interrupted) {
      // The composer's own interrupt must not reach the thread's next work.
      WorkInterrupts.returned(this);
      threads.overrunEnds();
    } else if (Failures.isInterrupt(failure)) {
      // Of another origin: the thread may be the caller's.
      Thread.currentThread().interrupt();
    }
    if (ended) {
      return false;
    }
    ended = true;
    value = result;
    if (failure != null) {
      missing = new MissingPart(reason(failure), true, failure);
    }
    return true;
  }

  private static MissingPart.Reason reason(Throwable failure) {
    return Kinds.of(failure) == FailureKind.CANCELLED
        ? MissingPart.Reason.CANCELLED
        : MissingPart.Reason.FAILED;
  }

  private void free(PartThreads threads) {
    if (hasSlot) {
      hasSlot = false;
      threads.release();
    }
  }

  /** Runs the code of the part; without the lock. */
  T call() throws Exception {
    return composer.context().call(work::run);
  }

  /** Whether a failure must be thrown though the part is optional. */
  boolean isFatal() {
    MissingPart why = missing;
    return why != null && (required || Failures.isJvmFailure(why.failure().orElse(null)));
  }
}
