package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * When a batch goes to its {@link BatchHandler}: as soon as one of the bounds is reached.
 * Immutable.
 *
 * @param maxItems most messages of one batch, 1 to 10,000
 * @param maxBytes bytes at which it is full, 1 to 1 GiB; the message that crosses it still belongs
 *     to it
 * @param maxAge longest wait of its first message, 0 to 1 min; later messages do not prolong it
 */
public record BatchBounds(int maxItems, long maxBytes, Duration maxAge) {

  /**
   * Checks the values.
   *
   * @param maxItems most messages of one batch
   * @param maxBytes bytes at which it is full
   * @param maxAge longest wait of its first message
   * @throws IllegalArgumentException if one is out of range
   */
  public BatchBounds {
    Checks.inRange("maxItems", maxItems, 1, 10_000);
    Checks.inRange("maxBytes", maxBytes, 1, 1L << 30);
    Checks.inRange("maxAge", maxAge, Duration.ZERO, Duration.ofMinutes(1));
  }

  /**
   * Returns bounds with 1 MiB and 20 ms.
   *
   * @param maxItems most messages of one batch
   * @return the bounds
   */
  public static BatchBounds of(int maxItems) {
    return new BatchBounds(maxItems, 1L << 20, Duration.ofMillis(20));
  }
}
