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

  private static final Pattern MILLIS = Pattern.compile("[0-9]{1,32}");
  private static final Pattern GRPC = Pattern.compile("([0-9]{1,8})([HMSmun])");
  private static final int LONGEST_DIGITS = 15;

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
    if (!MILLIS.matcher(digits).matches()) {
      throw new ProblemException(
          ServerProblems.malformedTimeout(header, "milliseconds, 1 to 32 digits"));
    }
    String significant = digits.replaceFirst("^0+(?=.)", "");
    // More digits are longer than every maximum, and might overflow.
    return significant.length() > LONGEST_DIGITS
        ? Duration.ofMillis(Long.MAX_VALUE)
        : Duration.ofMillis(Long.parseLong(significant));
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
