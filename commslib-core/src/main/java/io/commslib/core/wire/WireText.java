package io.commslib.core.wire;

import io.commslib.core.checks.Checks;
import io.commslib.core.checks.Utf8;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;

/**
 * Checks a header value that is either a String or its UTF-8 bytes, without converting it. All
 * rules are about ASCII characters, which are single bytes in UTF-8.
 */
final class WireText {

  private static final int[] DAYS = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  private static final String TIME_SHAPE = "0000-00-00T00:00:00";

  private WireText() {}

  static int length(Object value) {
    return value instanceof String text ? text.length() : ((byte[]) value).length;
  }

  private static int at(Object value, int index) {
    return value instanceof String text ? text.charAt(index) : ((byte[]) value)[index] & 0xff;
  }

  static String string(Object value) {
    return value instanceof String text ? text : new String((byte[]) value, StandardCharsets.UTF_8);
  }

  static boolean equalsAscii(Object value, String ascii) {
    if (value instanceof String text) {
      return text.equals(ascii);
    }
    byte[] bytes = (byte[]) value;
    if (bytes.length != ascii.length()) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] != ascii.charAt(i) || bytes[i] < 0) {
        return false;
      }
    }
    return true;
  }

  static boolean startsWithAscii(Object value, String ascii) {
    if (length(value) < ascii.length()) {
      return false;
    }
    for (int i = 0; i < ascii.length(); i++) {
      if (at(value, i) != ascii.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Fails like {@link Checks#text} unless it is min..max characters without control characters. */
  static void checkText(String name, Object value, int min, int max) {
    int length = length(value);
    boolean good = length >= min && length <= max;
    for (int i = 0; good && i < length; i++) {
      int c = at(value, i);
      good = c >= 0x20 && c < 0x7f;
    }
    if (!good) {
      // More bytes than the limit may still be few enough characters.
      Checks.text(name, string(value), min, max);
      Checks.check(isText(value), name, "bytes", "text in UTF-8");
    }
  }

  /** Returns whether a header value is text: a String, or bytes that are valid UTF-8. */
  static boolean isText(Object value) {
    return value instanceof String || Utf8.isValid((byte[]) value, string(value));
  }

  static boolean isTraceparent(Object value) {
    if (length(value) != 55 || at(value, 0) != '0' || at(value, 1) != '0') {
      return false;
    }
    for (int i = 2; i < 55; i++) {
      int c = at(value, i);
      boolean dash = i == 2 || i == 35 || i == 52;
      boolean good = dash ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      if (!good) {
        return false;
      }
    }
    return true;
  }

  /** Fails unless {@link #instant} can read the value and its year is 1 to 9999. */
  static void checkInstant(String name, Object value) {
    if (!isPlainUtc(value)) {
      Instant read;
      try {
        read = instant(value);
      } catch (DateTimeException e) {
        throw new IllegalArgumentException(
            name
                + ": "
                + Checks.shorten(string(value))
                + " (expected: a time as in RFC 3339, such as 2026-05-03T10:00:00Z)",
            e);
      }
      Checks.instant(name, read);
    }
  }

  static Instant instant(Object value) {
    return OffsetDateTime.parse(string(value)).toInstant();
  }

  /** Recognises the common form {@code 2026-05-03T10:00:00.123Z}, within years 1 to 9998. */
  private static boolean isPlainUtc(Object value) {
    int length = length(value);
    if (length < 20 || length > 30 || at(value, length - 1) != 'Z') {
      return false;
    }
    for (int i = 0; i < length - 1; i++) {
      int c = at(value, i);
      int shape = i < 19 ? TIME_SHAPE.charAt(i) : i == 19 ? '.' : '0';
      if (shape == '0' ? c < '0' || c > '9' : c != shape) {
        return false;
      }
    }
    if (length == 21) {
      return false;
    }
    int year = number(value, 0) * 100 + number(value, 2);
    int month = number(value, 5);
    int day = number(value, 8);
    return year >= 1
        && year <= 9998
        && month >= 1
        && month <= 12
        && day >= 1
        && day <= (month == 2 && !isLeap(year) ? 28 : DAYS[month - 1])
        && number(value, 11) < 24
        && number(value, 14) < 60
        && number(value, 17) < 60;
  }

  private static boolean isLeap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  }

  private static int number(Object value, int at) {
    return (at(value, at) - '0') * 10 + at(value, at + 1) - '0';
  }
}
