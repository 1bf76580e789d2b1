package io.commslib.core.checks;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Checks of settings with messages of one form: {@code name: value (expected: rule)}. For builders
 * of the library's modules.
 */
public final class Checks {

  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

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
    // Each message passes here: no text unless it is needed.
    if (value < min || value > max) {
      check(false, name, value, min + ".." + max);
    }
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
    // Each message passes here: no text unless it is needed.
    if (value < min || value > max) {
      check(false, name, value, min + ".." + max);
    }
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
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      check(false, name, value, min + ".." + max);
    }
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
   * Checks a name: printable ASCII characters, no space.
   *
   * @param name setting
   * @param value what was given
   * @param max most characters allowed
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
   * Checks a text: any characters but control characters, and no half of a surrogate pair, which
   * has no form in UTF-8.
   *
   * @param name setting
   * @param value what was given
   * @param min fewest characters allowed
   * @param max most characters allowed
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
   * @param name setting
   * @param value what was given
   * @return the value
   * @throws IllegalArgumentException if its year is not 0001 to 9999
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

  /**
   * Checks that a builder was given something that it can't do without.
   *
   * @param <T> what it is
   * @param name setting
   * @param value what was given, or null
   * @return the value
   * @throws IllegalStateException if nothing was given
   */
  public static <T> T given(String name, @Nullable T value) {
    if (value == null) {
      throw new IllegalStateException(
          name + ": none (expected: set by " + name + "(...) of the builder)");
    }
    return value;
  }

  /**
   * Returns a text for an error message: in quotes, without control characters, and short.
   *
   * @param value the text, of any length and content
   * @return its beginning, in quotes
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
