package io.commslib.resilience;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Durations as texts: {@code 800ms}, {@code 2s}, {@code 1m}, or ISO 8601 such as {@code PT2S}. */
final class Times {

  private static final Pattern SHORT = Pattern.compile("(\\d{1,12})(ns|us|ms|s|m|h)");
  private static final Pattern ISO = Pattern.compile("P[0-9DTHMS.]{1,40}");
  private static final Map<String, ChronoUnit> UNITS = new LinkedHashMap<>();

  static {
    UNITS.put("h", ChronoUnit.HOURS);
    UNITS.put("m", ChronoUnit.MINUTES);
    UNITS.put("s", ChronoUnit.SECONDS);
    UNITS.put("ms", ChronoUnit.MILLIS);
    UNITS.put("us", ChronoUnit.MICROS);
    UNITS.put("ns", ChronoUnit.NANOS);
  }

  private Times() {}

  /** Returns the duration, or null for a text of another form. */
  static @Nullable Duration parse(String text) {
    Matcher parts = SHORT.matcher(text);
    if (parts.matches()) {
      ChronoUnit unit = UNITS.get(parts.group(2));
      return unit == null ? null : Duration.of(Long.parseLong(parts.group(1)), unit);
    }
    if (!ISO.matcher(text).matches()) {
      return null;
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeException | ArithmeticException e) {
      return null;
    }
  }

  /** Returns the shortest text without a fraction; {@link #parse} reads it. */
  static String show(Duration time) {
    if (time.isZero()) {
      return "0s";
    }
    for (Map.Entry<String, ChronoUnit> unit : UNITS.entrySet()) {
      long nanos = unit.getValue().getDuration().toNanos();
      if (time.toNanos() % nanos == 0) {
        return time.toNanos() / nanos + unit.getKey();
      }
    }
    return time.toString();
  }
}
