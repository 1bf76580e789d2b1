package io.commslib.http;

import io.commslib.core.checks.Checks;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The rules of header fields that a user sets. */
final class HeaderRules {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}");

  /** Set by the library or the JDK's client for each attempt. */
  private static final Set<String> RESERVED =
      Set.of(
          "authorization",
          "connection",
          "content-length",
          "expect",
          "host",
          "idempotency-key",
          // The client frames the body by its length, and two framings are two requests.
          "transfer-encoding",
          "upgrade",
          "x-call-id",
          "x-mirrored",
          "x-request-attempt");

  private HeaderRules() {}

  static String checkName(String header) {
    Checks.matches("header", header, NAME, "a token of RFC 9110");
    String lower = header.toLowerCase(Locale.ROOT);
    Checks.check(!RESERVED.contains(lower), "header", header, "one that the library does not set");
    return header;
  }

  static String checkValue(String header, String value) {
    boolean valid =
        value.length() <= 8_000 && value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c < 127));
    // The value may be a secret.
    Checks.check(
        valid, header, "not valid", "up to 8000 printable ASCII characters, without CR and LF");
    return value;
  }
}
