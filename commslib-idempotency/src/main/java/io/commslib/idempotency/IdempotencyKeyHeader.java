package io.commslib.idempotency;

import java.util.Locale;

/**
 * Parser of the header Idempotency-Key: a string of Structured Field Values (RFC 9651), which is in
 * double quotes. Bare values, which most clients send, are accepted unchanged.
 */
final class IdempotencyKeyHeader {

  static final int MAX_CHARS = 255;

  /** A malformed value; the message is the rule that it breaks. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String rule) {
      super(rule, null, false, false);
    }
  }

  private IdempotencyKeyHeader() {}

  /** Returns the key. */
  static String parse(String value) throws MalformedException {
    String text = value.strip();
    String key = text.startsWith("\"") ? unquoted(text) : text;
    if (key.isEmpty() || key.length() > MAX_CHARS) {
      throw new MalformedException(
          String.format(
              Locale.ROOT,
              "The key has %d characters (expected: 1..%d).",
              key.length(),
              MAX_CHARS));
    }
    for (int i = 0; i < key.length(); i++) {
      if (key.charAt(i) < ' ' || key.charAt(i) > '~') {
        throw new MalformedException("The key is not printable ASCII.");
      }
    }
    return key;
  }

  private static String unquoted(String text) throws MalformedException {
    StringBuilder key = new StringBuilder();
    for (int i = 1; i < text.length(); i++) {
      char next = text.charAt(i);
      if (next == '"') {
        if (i < text.length() - 1) {
          throw new MalformedException("Something follows the closing quote.");
        }
        return key.toString();
      }
      if (next == '\\') {
        i++;
        if (i == text.length() || (text.charAt(i) != '"' && text.charAt(i) != '\\')) {
          throw new MalformedException(
              "A backslash stands before something else than \\ or a quote.");
        }
        next = text.charAt(i);
      }
      key.append(next);
    }
    throw new MalformedException("The closing quote is missing.");
  }
}
