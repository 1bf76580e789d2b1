package io.commslib.grpc;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** The trailer by which a server delays or forbids a repetition. */
final class Pushback {

  static final String FORBIDDEN = "-1";

  private static final Pattern MILLIS = Pattern.compile("[0-9]{1,32}");

  /** With more digits a wait is longer than every maximum. */
  private static final int EXACT_DIGITS = 12;

  private static final Duration LONGEST = Duration.ofDays(365);

  private Pushback() {}

  /** Returns the wait, or empty for a value that forbids a repetition, as gRPC requires. */
  static Optional<Duration> parse(String value) {
    if (!MILLIS.matcher(value).matches()) {
      return Optional.empty();
    }
    return Optional.of(
        value.length() > EXACT_DIGITS ? LONGEST : Duration.ofMillis(Long.parseLong(value)));
  }

  /** Rounds up, so that a caller is not too early. */
  static String write(Duration wait) {
    return Long.toString(wait.plusNanos(999_999).toMillis());
  }
}
