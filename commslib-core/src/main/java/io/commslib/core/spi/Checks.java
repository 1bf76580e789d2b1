package io.commslib.core.spi;

import java.time.Duration;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Checks of settings with messages of one form: {@code name: value (expected: rule)}. For builders
 * of the library's modules.
 *
 * @since 0.1
 */
public final class Checks {

  private Checks() {}

  /**
   * Checks a number.
   *
   * @param name setting
   * @param value what was given
   * @param min smallest allowed
   * @param max largest allowed
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static int inRange(String name, int value, int min, int max) {
    check(value >= min && value <= max, name, value, min + ".." + max);
    return value;
  }

  /**
   * Checks a number.
   *
   * @param name setting
   * @param value what was given
   * @param min smallest allowed
   * @param max largest allowed
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static long inRange(String name, long value, long min, long max) {
    check(value >= min && value <= max, name, value, min + ".." + max);
    return value;
  }

  /**
   * Checks a duration.
   *
   * @param name setting
   * @param value what was given
   * @param min shortest allowed
   * @param max longest allowed
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static Duration inRange(String name, Duration value, Duration min, Duration max) {
    Objects.requireNonNull(value, name);
    check(value.compareTo(min) >= 0 && value.compareTo(max) <= 0, name, value, min + ".." + max);
    return value;
  }

  /**
   * Checks a text against a pattern.
   *
   * @param name setting
   * @param value what was given
   * @param pattern the whole value must match it
   * @param rule the pattern in words
   * @return the value
   * @throws IllegalArgumentException if it does not match
   */
  public static String matches(String name, String value, Pattern pattern, String rule) {
    Objects.requireNonNull(value, name);
    if (!pattern.matcher(value).matches()) {
      check(false, name, shorten(value), rule);
    }
    return value;
  }

  /**
   * Checks any condition.
   *
   * @param condition what must hold
   * @param name setting
   * @param value what was given
   * @param rule what is expected, in words
   * @throws IllegalArgumentException if the condition does not hold
   */
  public static void check(boolean condition, String name, Object value, String rule) {
    if (!condition) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + rule + ")");
    }
  }

  private static String shorten(String value) {
    StringBuilder shown = new StringBuilder("'");
    for (int i = 0; i < Math.min(value.length(), 80); i++) {
      char c = value.charAt(i);
      shown.append(Character.isISOControl(c) ? '?' : c);
    }
    return shown.append(value.length() > 80 ? "...'" : "'").toString();
  }
}
