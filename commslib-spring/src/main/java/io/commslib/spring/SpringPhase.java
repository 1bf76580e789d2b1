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
 * Tells whether the transaction that Spring calls active on this thread has ended already. Spring
 * keeps its connection bound, and itself calls it active, until the last callback after its end has
 * returned; and whoever asks for a transaction in such a callback is given the one that is over.
 * What Spring does not say its callers on the stack do.
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

  /** The innermost callback that runs on this thread, and the class that is called. */
  private record CurrentCallback(Callback callback, @Nullable Class<?> called) {}

  private SpringPhase() {}

  /** Whether a transaction of which nothing is known yet is over; it is active and synchronized. */
  static boolean isOver(ConnectionHolder holder) {
    DefaultTransactionStatus status = statusOf(holder);
    if (status != null && status.isNewTransaction()) {
      // An interceptor forgets a transaction before it ends it: this one runs.
      return false;
    }
    CurrentCallback found = find();
    return switch (found.callback()) {
      case NONE, BEFORE_THE_END -> false;
      // One that was begun in the callback has synchronizations of its own.
      case AFTER_COMMIT ->
          TransactionSynchronizationManager.getSynchronizations().stream()
              .anyMatch(each -> found.called() != null && found.called().isInstance(each));
      // By then synchronization had ended: whoever joins what is over begins it anew.
      case AFTER_COMPLETION -> status != null && status.isNewSynchronization();
    };
  }

  /** Whether this thread runs a callback that comes after the end of a transaction. */
  static boolean isInCallbackAfterTheEnd() {
    Callback callback = find().callback();
    return callback == Callback.AFTER_COMMIT || callback == Callback.AFTER_COMPLETION;
  }

  /** What the innermost interceptor knows of the transaction on this connection; or null. */
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
