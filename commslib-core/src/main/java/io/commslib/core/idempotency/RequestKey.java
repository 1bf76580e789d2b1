package io.commslib.core.idempotency;

import io.commslib.core.checks.Checks;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Identifies a request that must take effect once: caller and operation, key, and content.
 * Immutable value.
 *
 * @param scope caller and operation, 1 to 200 printable ASCII characters; keys of different scopes
 *     are independent
 * @param key key chosen by the caller, 1 to 255 printable ASCII characters
 * @param fingerprint digest of the content, 1 to 128 characters; the same key with another
 *     fingerprint is refused
 */
public record RequestKey(String scope, String key, String fingerprint) {

  static final Pattern PRINTABLE = Pattern.compile("[\\x20-\\x7e]+");

  /**
   * Creates a key.
   *
   * @param scope caller and operation
   * @param key key chosen by the caller
   * @param fingerprint digest of the content
   * @throws IllegalArgumentException if a value breaks its rule
   */
  public RequestKey {
    check("scope", scope, 200);
    check("key", key, 255);
    check("fingerprint", fingerprint, 128);
  }

  private static void check(String name, String value, int max) {
    Objects.requireNonNull(value, name);
    Checks.inRange(name + " length", value.length(), 1, max);
    Checks.matches(name, value, PRINTABLE, "printable ASCII");
  }
}
