package io.commslib.core.idempotency;

import io.commslib.core.checks.Checks;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A value of the header {@code Idempotency-Key} of HTTP or of the metadata {@code idempotency-key}
 * of gRPC, and its grammar. The value is a string of Structured Field Values (RFC 9651), which is
 * in double quotes. A bare value, as many clients send it, is accepted unchanged. Immutable.
 *
 * <p>Servers that pass the value to {@link IdempotentRequests} need not parse it before.
 */
public final class IdempotencyKeyHeader {

  /** The maximum number of characters of a key, without quotes and escapes. */
  public static final int MAX_CHARS = 255;

  private final @Nullable String key;
  private final String reason;

  private IdempotencyKeyHeader(@Nullable String key, String reason) {
    this.key = key;
    this.reason = reason;
  }

  /**
   * Parses a value. Spaces around it are ignored.
   *
   * @param value value of the header, quoted or bare
   * @return the value, which is valid or has a reason
   */
  public static IdempotencyKeyHeader parse(String value) {
    String text = value.strip();
    if (!text.startsWith("\"")) {
      return bare(text);
    }
    StringBuilder key = new StringBuilder();
    for (int i = 1; i < text.length(); i++) {
      char next = text.charAt(i);
      if (next == '"') {
        return i < text.length() - 1
            ? malformed("Something follows the closing quote.")
            : bare(key.toString());
      }
      if (next == '\\') {
        i++;
        if (i == text.length() || (text.charAt(i) != '"' && text.charAt(i) != '\\')) {
          return malformed("A backslash stands before something else than \\ or a quote.");
        }
        next = text.charAt(i);
      }
      key.append(next);
    }
    return malformed("The closing quote is missing.");
  }

  private static IdempotencyKeyHeader bare(String key) {
    if (key.isEmpty() || key.length() > MAX_CHARS) {
      return malformed(
          String.format(
              Locale.ROOT,
              "The key has %d characters (expected: 1..%d).",
              key.length(),
              MAX_CHARS));
    }
    return RequestKey.PRINTABLE.matcher(key).matches()
        ? new IdempotencyKeyHeader(key, "")
        : malformed("The key is not printable ASCII.");
  }

  private static IdempotencyKeyHeader malformed(String reason) {
    return new IdempotencyKeyHeader(null, reason);
  }

  /**
   * Returns the value that a client sends for a key: quoted, with backslashes before quotes and
   * backslashes. {@link #parse} returns the same key.
   *
   * @param key 1 to 255 printable ASCII characters
   * @return value of the header
   * @throws IllegalArgumentException if the key breaks its rule
   */
  public static String format(String key) {
    Objects.requireNonNull(key, "key");
    Checks.inRange("key length", key.length(), 1, MAX_CHARS);
    Checks.matches("key", key, RequestKey.PRINTABLE, "printable ASCII");
    return '"' + key.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** {@return whether the value has a key} */
  public boolean isValid() {
    return key != null;
  }

  /**
   * Returns the key, without quotes and escapes.
   *
   * @return 1 to 255 printable ASCII characters
   * @throws IllegalStateException if the value is malformed
   */
  public String key() {
    if (key == null) {
      throw new IllegalStateException("value: malformed (expected: a valid one)");
    }
    return key;
  }

  /**
   * Returns the rule that a malformed value breaks, as one sentence. It repeats nothing of the
   * value.
   *
   * @return the rule
   * @throws IllegalStateException if the value is valid
   */
  public String reason() {
    if (key != null) {
      throw new IllegalStateException("value: valid (expected: a malformed one)");
    }
    return reason;
  }

  @Override
  public String toString() {
    return "IdempotencyKeyHeader{" + (key == null ? reason : "valid") + "}";
  }
}
