package io.commslib.core.checks;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Checks of arguments and settings. All failures have texts of one form: {@code name: value
 * (expected: rule)}. For the library's modules. Thread-safe.
 */
public final class Checks {

  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

  private Checks() {}

  /**
   * Checks a number.
   *
   * @param name name of the setting
   * @param value value to check
   * @param min minimum
   * @param max maximum
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static int inRange(String name, int value, int min, int max) {
    // Called for each message: the text is built only on failure.
    if (value < min || value > max) {
      check(false, name, value, min + ".." + max);
    }
    return value;
  }

  /**
   * Checks a number.
   *
   * @param name name of the setting
   * @param value value to check
   * @param min minimum
   * @param max maximum
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static long inRange(String name, long value, long min, long max) {
    // Called for each message: the text is built only on failure.
    if (value < min || value > max) {
      check(false, name, value, min + ".." + max);
    }
    return value;
  }

  /**
   * Checks a duration.
   *
   * @param name name of the setting
   * @param value value to check
   * @param min minimum
   * @param max maximum
   * @return the value
   * @throws IllegalArgumentException if out of range
   */
  public static Duration inRange(String name, Duration value, Duration min, Duration max) {
    Objects.requireNonNull(value, name);
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      check(false, name, value, min + ".." + max);
    }
    return value;
  }

  /**
   * Checks a text against a pattern.
   *
   * @param name name of the setting
   * @param value value to check
   * @param pattern pattern that the whole value must match
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
   * Checks a name: printable ASCII characters, no space.
   *
   * @param name name of the setting
   * @param value value to check
   * @param max maximum number of characters
   * @return the value
   * @throws IllegalArgumentException if it is empty, longer, or has another character
   */
  public static String printable(String name, String value, int max) {
    Objects.requireNonNull(value, name);
    boolean good = !value.isEmpty() && value.length() <= max;
    for (int i = 0; good && i < value.length(); i++) {
      char c = value.charAt(i);
      good = c > 0x20 && c < 0x7f;
    }
    if (!good) {
      check(false, name, shorten(value), "1.." + max + " printable ASCII characters");
    }
    return value;
  }

  /**
   * Checks a text: any characters except control characters and unpaired surrogates, which UTF-8
   * can't encode.
   *
   * @param name name of the setting
   * @param value value to check
   * @param min minimum number of characters
   * @param max maximum number of characters
   * @return the value
   * @throws IllegalArgumentException if the length is out of range, or it has a control character
   *     or an unpaired surrogate
   */
  public static String text(String name, String value, int min, int max) {
    Objects.requireNonNull(value, name);
    if (value.length() < min || value.length() > max) {
      check(false, name + " length", value.length(), min + ".." + max);
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < 0x20 || c == 0x7f) {
        check(false, name, shorten(value), "no control characters");
      }
      if (Character.isSurrogate(c) && !isPair(value, i++)) {
        check(false, name, shorten(value), "no half of a surrogate pair");
      }
    }
    return value;
  }

  /**
   * Checks a time.
   *
   * @param name name of the setting
   * @param value value to check
   * @return the value
   * @throws IllegalArgumentException if its year is not within 0001 to 9999
   */
  public static Instant instant(String name, Instant value) {
    Objects.requireNonNull(value, name);
    check(!value.isBefore(FIRST) && !value.isAfter(LAST), name, value, "years 0001..9999");
    return value;
  }

  private static boolean isPair(String value, int at) {
    return Character.isHighSurrogate(value.charAt(at))
        && at + 1 < value.length()
        && Character.isLowSurrogate(value.charAt(at + 1));
  }

  /**
   * Checks any condition.
   *
   * @param condition what must hold
   * @param name name of the setting
   * @param value value to check
   * @param rule what is expected, in words
   * @throws IllegalArgumentException if the condition does not hold
   */
  public static void check(boolean condition, String name, Object value, String rule) {
    if (!condition) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + rule + ")");
    }
  }

  /**
   * Checks that a required value of a builder was set.
   *
   * @param <T> type of the value
   * @param name name of the setting
   * @param value the value, or null if it was not set
   * @return the value
   * @throws IllegalStateException if the value was not set
   */
  public static <T> T given(String name, @Nullable T value) {
    if (value == null) {
      throw new IllegalStateException(
          name + ": none (expected: set by " + name + "(...) of the builder)");
    }
    return value;
  }

  /**
   * Returns a text in the form for error messages: in quotes, without control characters, and at
   * most 80 characters long.
   *
   * @param value the text, of any length and content
   * @return the beginning of the text, in quotes
   */
  public static String shorten(String value) {
    StringBuilder shown = new StringBuilder("'");
    for (int i = 0; i < Math.min(value.length(), 80); i++) {
      char c = value.charAt(i);
      shown.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
    }
    return shown.append(value.length() > 80 ? "...'" : "'").toString();
  }
}
