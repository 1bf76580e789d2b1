package io.commslib.grpc;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** The trailer by which a server delays or forbids a repetition. */
final class Pushback {

  static final String FORBIDDEN = "-1";

  private static final Pattern MILLIS = Pattern.compile("[0-9]{1,12}");

  private Pushback() {}

  /** Returns the wait, or empty for a value that forbids a repetition, as gRPC requires. */
  static Optional<Duration> parse(String value) {
    return MILLIS.matcher(value).matches()
        ? Optional.of(Duration.ofMillis(Long.parseLong(value)))
        : Optional.empty();
  }

  /** Rounds up, so that a caller is not too early. */
  static String write(Duration wait) {
    return Long.toString(wait.plusNanos(999_999).toMillis());
  }
}
