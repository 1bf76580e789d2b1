package io.commslib.http;

import io.commslib.core.call.Idempotency;
import io.commslib.core.checks.Checks;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What RFC 9110 says of methods. */
final class HttpMethods {

  private static final Pattern NAME = Pattern.compile("[A-Z]{1,20}");

  private HttpMethods() {}

  static String check(String method) {
    return Checks.matches("method", method, NAME, "1 to 20 capital letters");
  }

  static Idempotency idempotency(String method) {
    return switch (method) {
      case "GET", "HEAD", "OPTIONS", "TRACE" -> Idempotency.SAFE;
      case "PUT", "DELETE" -> Idempotency.IDEMPOTENT;
      default -> Idempotency.NON_IDEMPOTENT;
    };
  }

  /** Whether the JDK's client may send a request again on a new connection without telling. */
  static boolean isResentByTheClient(String method) {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** A new id for a call whose attempts the JDK's client may send again; null for others. */
  static @Nullable String callId(String method, RandomGenerator random) {
    return isResentByTheClient(method) ? Long.toHexString(random.nextLong()) : null;
  }
}
