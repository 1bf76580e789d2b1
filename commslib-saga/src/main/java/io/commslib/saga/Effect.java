package io.commslib.saga;

import io.commslib.core.messaging.Destination;
import org.jspecify.annotations.Nullable;

/** Effect of a decision, in the transaction that stores it. Closed set. */
sealed interface Effect {

  /**
   * Publish a command or compensation.
   *
   * @param undoes id of the command that a compensation undoes; null for a command
   */
  record Send(String messageId, Destination to, Object body, String key, @Nullable String undoes)
      implements Effect {
    /** Omits the body, which must not appear in logs. */
    @Override
    public String toString() {
      return "Send[messageId=" + messageId + ", to=" + to + "]";
    }
  }

  /** Call the hooks for this end. */
  record End(SagaStatus status) implements Effect {}
}
