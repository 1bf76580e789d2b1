package io.commslib.core.messaging;

/**
 * Handles the messages of one subscription. Users implement it, or build one from typed methods
 * with {@code TypedHandler}.
 */
@FunctionalInterface
public interface MessageHandler {

  /**
   * Handles one delivery and returns its settlement. The handler is plain blocking code and runs on
   * a worker thread of the subscription. Messages of one key are handled one at a time and in
   * order, different keys in parallel. The same message may be handled again after a crash, a retry
   * or a redrive. With an inbox, it is handled again only until one attempt has committed.
   *
   * <p>If the subscription is transactional, everything done through {@link Delivery#transaction()}
   * commits together with the inbox row for {@code done} and {@code drop}, and is rolled back
   * otherwise. After the handler deadline the thread is interrupted and the transaction can only
   * roll back.
   *
   * @param delivery the message and the state of its delivery
   * @return the settlement; null counts as a failed attempt
   * @throws Exception to let the subscription's {@link FailureClassifier} decide
   */
  Settlement handle(Delivery delivery) throws Exception;

  /**
   * Returns whether this handler settles messages whose type their format does not know. Such a
   * message has a type that begins with {@code unknown:}. Otherwise it is a dead letter and does
   * not reach the handler. A lambda accepts none, also if it calls a handler that does: make it by
   * {@link #wrappedIn}.
   *
   * @return false by default; true for a {@code TypedHandler} with {@code otherwise}
   */
  default boolean acceptsUnknownTypes() {
    return false;
  }

  /**
   * Returns a handler that runs code around this one, for example to log or to measure. It accepts
   * unknown types if this handler does.
   *
   * @param around calls {@link #handle} of this handler; a lambda, not a {@link BatchHandler}
   * @return a handler that handles as {@code around} does
   */
  default MessageHandler wrappedIn(MessageHandler around) {
    return new WrappedHandler(this, around);
  }
}
