package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * Bounds of a batch. The batch goes to its {@link BatchHandler} as soon as one of them is reached.
 * Immutable.
 *
 * @param maxItems maximum number of messages, 1 to 10,000
 * @param maxBytes number of bytes at which the batch is full, 1 to 1 GiB; the message that crosses
 *     it still belongs to the batch
 * @param maxAge maximum wait of the first message, 0 to 1 min; later messages do not prolong it
 */
public record BatchBounds(int maxItems, long maxBytes, Duration maxAge) {

  /**
   * Checks the values.
   *
   * @param maxItems maximum number of messages
   * @param maxBytes number of bytes at which the batch is full
   * @param maxAge maximum wait of the first message
   * @throws IllegalArgumentException if one is out of range
   */
  public BatchBounds {
    Checks.inRange("maxItems", maxItems, 1, 10_000);
    Checks.inRange("maxBytes", maxBytes, 1, 1L << 30);
    Checks.inRange("maxAge", maxAge, Duration.ZERO, Duration.ofMinutes(1));
  }

  /**
   * Returns bounds of 1 MiB and 20 ms.
   *
   * @param maxItems maximum number of messages, 1 to 10,000
   * @return the bounds
   */
  public static BatchBounds of(int maxItems) {
    return new BatchBounds(maxItems, 1L << 20, Duration.ofMillis(20));
  }
}
