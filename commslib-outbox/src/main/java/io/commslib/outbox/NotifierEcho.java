package io.commslib.outbox;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Checks whether a notifier hears what it sends itself. The listening thread asks for a
 * notification with a text that is used once, the sending thread sends it, and the listening thread
 * waits for it. A pooler that shares sessions accepts LISTEN, and nothing ever arrives.
 *
 * <p>Confined to the listening thread, except for {@link #takeQuestion}.
 */
final class NotifierEcho {

  private static final String PREFIX = "echo:";

  private final String node;
  private final long intervalNanos;
  private final long timeoutNanos;
  private long number;
  private long askedNanos;
  private boolean waits;

  /** Not yet sent; taken by the sending thread. */
  private volatile @Nullable String question;

  private String expected = "";

  /**
   * Creates a check.
   *
   * @param node the notifier's own id
   * @param interval time between two questions
   * @param timeout maximum time from a question to its arrival
   */
  NotifierEcho(String node, Duration interval, Duration timeout) {
    this.node = node;
    this.intervalNanos = interval.toNanos();
    this.timeoutNanos = timeout.toNanos();
  }

  /** Whether a notification is part of such a check, of this or of another process. */
  static boolean isEcho(String payload) {
    return payload.startsWith(PREFIX);
  }

  /** Asks for the next notification. The caller wakes the sending thread. */
  void ask(long nowNanos) {
    askedNanos = nowNanos;
    waits = true;
    expected = PREFIX + node + " " + ++number;
    question = expected;
  }

  /** Returns the text that the sending thread has to send, once; null if there is none. */
  @Nullable String takeQuestion() {
    String next = question;
    if (next != null) {
      // The next question is asked only after this one was heard or is overdue.
      question = null;
    }
    return next;
  }

  /** Returns true if the notification that was asked for has arrived. */
  boolean hears(String payload) {
    if (!waits || !payload.equals(expected)) {
      return false;
    }
    waits = false;
    return true;
  }

  /** Returns true, once for each question, if the notification has not arrived in time. */
  boolean isOverdue(long nowNanos) {
    if (!waits || nowNanos - askedNanos < timeoutNanos) {
      return false;
    }
    waits = false;
    return true;
  }

  /** Whether the next question is due. After one that was not heard it is due immediately. */
  boolean isDue(long nowNanos, boolean heard) {
    return !waits && (!heard || nowNanos - askedNanos >= intervalNanos);
  }
}
