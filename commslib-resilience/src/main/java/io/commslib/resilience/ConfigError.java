package io.commslib.resilience;

import java.util.Objects;
import java.util.Optional;

/**
 * One error of a configuration. Immutable.
 *
 * @param key the key; of an unknown one the beginning, without control characters
 * @param value the beginning of the value, in quotes and without control characters; without quotes
 *     if it is a default, and {@code none} if there is none
 * @param rule what is expected, in words
 * @param nearestKey for an unknown key the known one with the smallest edit distance
 */
public record ConfigError(String key, String value, String rule, Optional<String> nearestKey) {

  /**
   * Creates an error.
   *
   * @param key the key
   * @param value the value as it is shown
   * @param rule what is expected
   * @param nearestKey the nearest known key, or empty
   */
  public ConfigError {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(rule, "rule");
    Objects.requireNonNull(nearestKey, "nearestKey");
  }

  /** {@return the error in the form {@code key: value (expected: rule)}} */
  @Override
  public String toString() {
    String nearest = nearestKey.map(known -> "; nearest: " + known).orElse("");
    return key + ": " + value + " (expected: " + rule + nearest + ")";
  }
}
