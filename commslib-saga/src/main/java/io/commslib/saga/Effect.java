package io.commslib.saga;

import io.commslib.core.messaging.Destination;
import org.jspecify.annotations.Nullable;

/** What a decision causes, in the transaction that stores it. Closed set. */
sealed interface Effect {

  /**
   * Publish a command or compensation.
   *
   * @param undoes id of the command a compensation undoes, else null
   */
  record Send(String messageId, Destination to, Object body, String key, @Nullable String undoes)
      implements Effect {
    /** Without the body, which may hold what logs must not. */
    @Override
    public String toString() {
      return "Send[messageId=" + messageId + ", to=" + to + "]";
    }
  }

  /** Call the hooks of this end. */
  record End(SagaStatus status) implements Effect {}
}
