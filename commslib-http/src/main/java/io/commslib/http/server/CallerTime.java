package io.commslib.http.server;

import io.commslib.http.CallHeaders;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The time for which the caller still waits. A malformed field is refused: handled as no deadline,
 * it would let work run whose answer no caller reads.
 */
final class CallerTime {

  private static final Pattern GRPC = Pattern.compile("([0-9]{1,8})([HMSmun])");
  private static final int MAX_DIGITS = 32;

  /** With more digits a time is longer than every maximum. */
  private static final long LONGEST_MILLIS = 1_000_000_000_000_000L;

  private CallerTime() {}

  /**
   * Returns the shortest time that the header fields state.
   *
   * @param max the time without a field, and the maximum
   * @throws ProblemException 400 if a field is malformed
   */
  static Duration of(ServerRequest request, Duration max) {
    Duration shortest = max;
    for (String value : request.headers(CallHeaders.TIMEOUT)) {
      shortest = shorter(shortest, millis(CallHeaders.TIMEOUT, value));
    }
    for (String value : request.headers(CallHeaders.ENVOY_TIMEOUT)) {
      shortest = shorter(shortest, millis(CallHeaders.ENVOY_TIMEOUT, value));
    }
    for (String value : request.headers(CallHeaders.GRPC_TIMEOUT)) {
      shortest = shorter(shortest, grpc(value));
    }
    return shortest;
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) <= 0 ? a : b;
  }

  private static Duration millis(String header, String value) {
    String digits = value.strip();
    long millis = digits.isEmpty() || digits.length() > MAX_DIGITS ? -1 : 0;
    for (int at = 0; at < digits.length() && millis >= 0; at++) {
      int digit = digits.charAt(at) - '0';
      // Without this bound it might overflow.
      millis = digit < 0 || digit > 9 ? -1 : Math.min(LONGEST_MILLIS, millis * 10 + digit);
    }
    if (millis < 0) {
      throw new ProblemException(
          ServerProblems.malformedTimeout(header, "milliseconds, 1 to 32 digits"));
    }
    return Duration.ofMillis(millis);
  }

  private static Duration grpc(String value) {
    Matcher parts = GRPC.matcher(value.strip());
    if (!parts.matches()) {
      throw new ProblemException(
          ServerProblems.malformedTimeout(
              CallHeaders.GRPC_TIMEOUT, "1 to 8 digits and one of H, M, S, m, u, n"));
    }
    long count = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "H" -> Duration.ofHours(count);
      case "M" -> Duration.ofMinutes(count);
      case "S" -> Duration.ofSeconds(count);
      case "m" -> Duration.ofMillis(count);
      case "u" -> Duration.ofNanos(count * 1_000);
      default -> Duration.ofNanos(count);
    };
  }
}
