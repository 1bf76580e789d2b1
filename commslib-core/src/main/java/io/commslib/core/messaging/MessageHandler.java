package io.commslib.core.messaging;

/**
 * Handles the messages of one subscription. Users implement it, or build one from typed methods
 * with {@code TypedHandler}.
 */
@FunctionalInterface
public interface MessageHandler {

  /**
   * Handles one delivery and says what becomes of it. Plain blocking code on a worker thread of the
   * subscription. Called for one message of a key at a time and in key order, for different keys in
   * parallel. May see the same message again after a crash, a retry or a redrive; with an inbox
   * only until one of them has committed.
   *
   * <p>When the subscription is transactional everything done through {@link
   * Delivery#transaction()} commits together with the inbox row for {@code done} and {@code drop},
   * and is rolled back otherwise. After the handler deadline the thread is interrupted and the
   * transaction can only roll back.
   *
   * @param delivery the message and what is known of its delivery
   * @return what becomes of it; null counts as a failed attempt
   * @throws Exception to let the subscription's {@link FailureClassifier} decide
   */
  Settlement handle(Delivery delivery) throws Exception;
}
