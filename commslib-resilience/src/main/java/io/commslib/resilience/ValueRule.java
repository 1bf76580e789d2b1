package io.commslib.resilience;

import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The values of a setting: a count, a time, or true and false. Immutable.
 *
 * @param kind what the values are
 * @param min minimum, in nanoseconds if the values are times
 * @param max maximum, in nanoseconds if the values are times
 * @param hasOff whether {@link Off#OFF} is a value
 * @param isWhole whether a time must be whole seconds
 */
record ValueRule(Kind kind, long min, long max, boolean hasOff, boolean isWhole) {

  /** More would only make a long text of an error. */
  private static final int MAX_CHARS = 100;

  private static final Pattern NUMBER = Pattern.compile("-?\\d{1,18}");

  enum Kind {
    COUNT,
    TIME,
    FLAG
  }

  /** The value of a time whose policy is switched off. */
  enum Off {
    OFF;

    @Override
    public String toString() {
      return "off";
    }
  }

  static ValueRule count(int min, int max) {
    return new ValueRule(Kind.COUNT, min, max, false, false);
  }

  static ValueRule time(Duration min, Duration max) {
    return new ValueRule(Kind.TIME, min.toNanos(), max.toNanos(), false, false);
  }

  static ValueRule flag() {
    return new ValueRule(Kind.FLAG, 0, 1, false, false);
  }

  ValueRule orOff() {
    return new ValueRule(kind, min, max, true, isWhole);
  }

  ValueRule wholeSeconds() {
    return new ValueRule(kind, min, max, hasOff, true);
  }

  /** Returns an Integer, Duration, Boolean or {@link Off}; null if the text breaks the rule. */
  @Nullable Object parse(String text) {
    if (text.length() > MAX_CHARS) {
      return null;
    }
    if (hasOff && text.equals("off")) {
      return Off.OFF;
    }
    return switch (kind) {
      case COUNT -> parseCount(text);
      case TIME -> parseTime(text);
      case FLAG -> text.equals("true") ? Boolean.TRUE : text.equals("false") ? false : null;
    };
  }

  private @Nullable Integer parseCount(String text) {
    if (!NUMBER.matcher(text).matches()) {
      return null;
    }
    long value = Long.parseLong(text);
    return value < min || value > max ? null : (Integer) (int) value;
  }

  private @Nullable Duration parseTime(String text) {
    Duration value = Times.parse(text);
    if (value == null
        || value.compareTo(Duration.ofNanos(min)) < 0
        || value.compareTo(Duration.ofNanos(max)) > 0
        || (isWhole && value.getNano() != 0)) {
      return null;
    }
    return value;
  }

  /** Returns the text of a value, which {@link #parse} reads; {@code none} for no value. */
  static String show(@Nullable Object value) {
    if (value == null) {
      return "none";
    }
    return value instanceof Duration time ? Times.show(time) : value.toString();
  }

  /** {@return the rule in words} */
  @Override
  public String toString() {
    String range =
        switch (kind) {
          case COUNT -> min + ".." + max;
          case TIME -> Times.show(Duration.ofNanos(min)) + ".." + Times.show(Duration.ofNanos(max));
          case FLAG -> "true or false";
        };
    return range + (isWhole ? ", whole seconds" : "") + (hasOff ? ", or off" : "");
  }
}
