package io.commslib.core;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.UndeclaredThrowableException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Classifies failures, in the same way for the delivery engine, the relay, a redrive and sagas. It
 * reads the whole chain of causes, because code between a handler and the failed component may wrap
 * exceptions. A throwable whose own methods fail is treated like any other.
 *
 * <p>There are three classes. If in doubt, a failure belongs to none of them:
 *
 * <ul>
 *   <li>The JVM fails ({@link #isJvmFailure}): an {@code OutOfMemoryError} or another {@code
 *       VirtualMachineError} is in the chain. A {@code StackOverflowError} does not count, because
 *       one message can cause it.
 *   <li>A dependency is unavailable ({@link #isOutage}): the first failure of the library in the
 *       chain is {@code TRANSIENT}, its result is unknown, or the work was stopped because a
 *       component closes.
 *   <li>The work can never succeed ({@link #isPermanent}): the failure is itself a failure of the
 *       library of kind {@code PERMANENT}, or a wrapper that only carries one. Only such a message
 *       may be dead-lettered at its first attempt.
 * </ul>
 *
 * <p>Everything else is a failed attempt.
 */
public final class Failures {

  private static final int MAX_DEPTH = 20;
  private static final int MAX_TEXT_CHARS = 1_000;

  private Failures() {}

  /**
   * Returns the first failure of the library in a chain of causes.
   *
   * @param failure any failure
   * @return the failure of the library, or empty if there is none
   */
  public static Optional<CommsException> known(@Nullable Throwable failure) {
    return find(failure, CommsException.class);
  }

  /**
   * Returns whether a failure is an outage of a dependency rather than a fault of the work. It then
   * consumes no attempt.
   *
   * @param failure any failure
   * @return whether the first failure of the library in the chain is {@code TRANSIENT}, {@code
   *     UNKNOWN_RESULT} or {@code CANCELLED}
   */
  public static boolean isOutage(@Nullable Throwable failure) {
    FailureKind kind = known(failure).map(CommsException::kind).orElse(FailureKind.CONTENTION);
    return kind == FailureKind.TRANSIENT
        || kind == FailureKind.UNKNOWN_RESULT
        || kind == FailureKind.CANCELLED;
  }

  /**
   * Returns whether a failure is an outage that concerns one connection only, and that the work
   * itself may cause.
   *
   * @param failure any failure
   * @return whether the first failure of the library in the chain is a {@link
   *     WrongSessionException}
   */
  public static boolean isWrongSession(@Nullable Throwable failure) {
    return known(failure).filter(WrongSessionException.class::isInstance).isPresent();
  }

  /**
   * Returns whether the same work is certain to fail again.
   *
   * @param failure any failure
   * @return whether it is a failure of the library of kind {@code PERMANENT}, or one that only
   *     carries such a failure
   */
  public static boolean isPermanent(Throwable failure) {
    return unwrapped(failure) instanceof CommsException known
        && known.kind() == FailureKind.PERMANENT;
  }

  /**
   * Returns whether the JVM itself fails. The work that was running is then not the cause.
   *
   * @param failure any failure
   * @return whether a {@code VirtualMachineError} other than {@code StackOverflowError} is in the
   *     chain
   */
  public static boolean isJvmFailure(@Nullable Throwable failure) {
    return jvmFailure(failure).isPresent();
  }

  /**
   * Returns the JVM's error in a chain of causes, for code that must rethrow it.
   *
   * @param failure any failure
   * @return the error that makes {@link #isJvmFailure} true, or empty
   */
  public static Optional<VirtualMachineError> jvmFailure(@Nullable Throwable failure) {
    return find(failure, VirtualMachineError.class)
        .filter(error -> !(error instanceof StackOverflowError));
  }

  /**
   * Returns whether a failure was caused by the interruption of a thread.
   *
   * @param failure any failure
   * @return whether an {@code InterruptedException} is in the chain
   */
  public static boolean isInterrupt(@Nullable Throwable failure) {
    return find(failure, InterruptedException.class).isPresent();
  }

  /**
   * Removes wrappers that only carry another failure: those of futures and of reflection.
   *
   * @param failure any failure
   * @return the failure itself, or the first one in the chain that is not such a wrapper
   */
  public static Throwable unwrapped(Throwable failure) {
    Throwable found = failure;
    for (int depth = 0; depth < MAX_DEPTH && isWrapper(found); depth++) {
      Throwable cause = cause(found);
      if (cause == null) {
        return found;
      }
      found = cause;
    }
    return found;
  }

  private static boolean isWrapper(Throwable failure) {
    return failure instanceof CompletionException
        || failure instanceof ExecutionException
        || failure instanceof InvocationTargetException
        || failure instanceof UndeclaredThrowableException;
  }

  /**
   * Returns the first failure of a class in a chain of causes.
   *
   * @param <T> the class
   * @param failure any failure
   * @param type the class
   * @return the failure of that class, or empty if there is none
   */
  public static <T extends Throwable> Optional<T> find(@Nullable Throwable failure, Class<T> type) {
    Throwable found = failure;
    for (int depth = 0; found != null && depth < MAX_DEPTH; depth++) {
      if (type.isInstance(found)) {
        return Optional.of(type.cast(found));
      }
      found = cause(found);
    }
    return Optional.empty();
  }

  /**
   * Returns a failure and its causes.
   *
   * @param failure any failure
   * @return at most the first 20 of the chain, outermost first
   */
  public static List<Throwable> chain(Throwable failure) {
    List<Throwable> chain = new ArrayList<>();
    Throwable found = failure;
    while (found != null && chain.size() < MAX_DEPTH) {
      chain.add(found);
      found = cause(found);
    }
    return chain;
  }

  /**
   * Returns the cause of a failure.
   *
   * @param failure any failure
   * @return the cause, or null if there is none or it can't be read
   */
  public static @Nullable Throwable cause(Throwable failure) {
    try {
      Throwable cause = failure.getCause();
      return cause == failure ? null : cause;
    } catch (Throwable e) {
      return null;
    }
  }

  /**
   * Returns class and message of a failure for logs, tables and headers.
   *
   * @param failure any failure, including one whose message can't be read
   * @return at most 1,000 characters
   */
  public static String text(Throwable failure) {
    String message;
    try {
      message = failure.getMessage();
    } catch (Throwable e) {
      message = "(message unavailable)";
    }
    String text = failure.getClass().getName() + (message == null ? "" : ": " + message);
    return text.substring(0, Math.min(text.length(), MAX_TEXT_CHARS));
  }
}
