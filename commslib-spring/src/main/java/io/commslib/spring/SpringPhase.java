package io.commslib.spring;

import java.util.Iterator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.JdbcTransactionObjectSupport;
import org.springframework.transaction.NoTransactionException;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.interceptor.TransactionAspectSupport;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionSynchronizationUtils;

/**
 * Detects whether the transaction that Spring reports as active on this thread has already ended.
 * Spring keeps its connection bound and reports it as active until the last callback after its end
 * has returned, and code that requests a transaction in such a callback gets the ended one. Spring
 * has no API for this phase, so this class reads it from the stack.
 */
final class SpringPhase {

  private static final StackWalker STACK =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
  private static final String CALLBACK_INVOKER = TransactionSynchronizationUtils.class.getName();

  private enum Callback {
    NONE,
    BEFORE_THE_END,
    AFTER_COMMIT,
    AFTER_COMPLETION
  }

  /** The innermost callback that runs on this thread, and the called class. */
  private record CurrentCallback(Callback callback, @Nullable Class<?> called) {}

  private SpringPhase() {}

  /** Returns whether an active, synchronized transaction that is not yet known here is over. */
  static boolean isOver(ConnectionHolder holder) {
    DefaultTransactionStatus status = statusOf(holder);
    if (status != null && status.isNewTransaction()) {
      // An interceptor drops its status before it ends the transaction, so this one runs.
      return false;
    }
    CurrentCallback found = find();
    return switch (found.callback()) {
      case NONE, BEFORE_THE_END -> false;
      // A transaction begun in the callback has synchronizations of its own.
      case AFTER_COMMIT ->
          TransactionSynchronizationManager.getSynchronizations().stream()
              .anyMatch(each -> found.called() != null && found.called().isInstance(each));
      // Synchronization has ended then: joining the ended transaction starts a new one.
      case AFTER_COMPLETION -> status != null && status.isNewSynchronization();
    };
  }

  /** Returns whether this thread runs a callback after the end of a transaction. */
  static boolean isInCallbackAfterTheEnd() {
    Callback callback = find().callback();
    return callback == Callback.AFTER_COMMIT || callback == Callback.AFTER_COMPLETION;
  }

  /** Returns the innermost interceptor's status of the transaction on this connection, or null. */
  private static @Nullable DefaultTransactionStatus statusOf(ConnectionHolder holder) {
    TransactionStatus status;
    try {
      status = TransactionAspectSupport.currentTransactionStatus();
    } catch (NoTransactionException e) {
      return null;
    }
    return status instanceof DefaultTransactionStatus known
            && known.hasTransaction()
            && known.getTransaction() instanceof JdbcTransactionObjectSupport transaction
            && transaction.hasConnectionHolder()
            && transaction.getConnectionHolder() == holder
        ? known
        : null;
  }

  private static CurrentCallback find() {
    return STACK.walk(SpringPhase::find);
  }

  private static CurrentCallback find(Stream<StackWalker.StackFrame> stack) {
    Class<?> called = null;
    Iterator<StackWalker.StackFrame> frames = stack.iterator();
    while (frames.hasNext()) {
      StackWalker.StackFrame frame = frames.next();
      if (frame.getClassName().equals(CALLBACK_INVOKER)) {
        switch (frame.getMethodName()) {
          case "triggerBeforeCommit", "triggerBeforeCompletion" -> {
            return new CurrentCallback(Callback.BEFORE_THE_END, called);
          }
          case "invokeAfterCommit" -> {
            return new CurrentCallback(Callback.AFTER_COMMIT, called);
          }
          case "invokeAfterCompletion" -> {
            return new CurrentCallback(Callback.AFTER_COMPLETION, called);
          }
          default -> {}
        }
      }
      called = frame.getDeclaringClass();
    }
    return new CurrentCallback(Callback.NONE, null);
  }
}
