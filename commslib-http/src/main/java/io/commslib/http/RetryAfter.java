package io.commslib.http;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** The header field {@code Retry-After} of RFC 9110: seconds, or a date of the wall clock. */
final class RetryAfter {

  private static final int MAX_DIGITS = 9;

  private RetryAfter() {}

  /** Returns the wait, zero for a date that has passed; null for no or no valid value. */
  static @Nullable Duration parse(@Nullable String value, Instant now) {
    if (value == null || value.isBlank()) {
      return null;
    }
    String text = value.strip();
    if (text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      // An enormous number is as good as the longest one: no call waits for it.
      return Duration.ofSeconds(
          Long.parseLong(text.length() > MAX_DIGITS ? text.substring(0, MAX_DIGITS) : text));
    }
    try {
      Instant at = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return at.isAfter(now) ? Duration.between(now, at) : Duration.ZERO;
    } catch (DateTimeException e) {
      return null;
    }
  }
}
