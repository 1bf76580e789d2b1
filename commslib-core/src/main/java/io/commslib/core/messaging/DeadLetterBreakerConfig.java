package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.time.Duration;

/**
 * From when on dead letters count as a flood, which rather means a broken dependency than bad
 * messages: so many of one cause, or such a share of all that was settled, within a time and over
 * so many keys. Immutable.
 *
 * @param letters dead letters of one cause, 2 to 1,000,000
 * @param sharePercent or this share of all settled messages, 1 to 100; counts once there are as
 *     many letters as {@code keys}
 * @param window time looked back, 1 s to 1 h
 * @param keys different keys among them, 1 to 10,000; a message without key counts as one
 */
public record DeadLetterBreakerConfig(int letters, int sharePercent, Duration window, int keys) {

  /**
   * Checks the values.
   *
   * @param letters dead letters of one cause
   * @param sharePercent or this share of all settled messages
   * @param window time looked back
   * @param keys different keys among them
   * @throws IllegalArgumentException if one is out of range
   */
  public DeadLetterBreakerConfig {
    Checks.inRange("letters", letters, 2, 1_000_000);
    Checks.inRange("sharePercent", sharePercent, 1, 100);
    Checks.inRange("window", window, Duration.ofSeconds(1), Duration.ofHours(1));
    Checks.inRange("keys", keys, 1, 10_000);
  }

  /**
   * Returns the default: 50 letters or 20 % of 30 s, over 10 keys.
   *
   * @return the bounds
   */
  public static DeadLetterBreakerConfig defaults() {
    return new DeadLetterBreakerConfig(50, 20, Duration.ofSeconds(30), 10);
  }
}
