package io.commslib.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the JSON of problem details, which a client without a codec must understand too.
 * It reads one object within a bounded depth, keeps the members that it knows, and skips the rest.
 */
final class ProblemJson {

  private static final int MAX_DEPTH = 32;
  private static final int MAX_NUMBER_CHARS = 32;

  /** A year: an enormous advice must not overflow. */
  private static final long MAX_RETRY_AFTER_MS = Duration.ofDays(365).toMillis();

  private final String text;
  private int at;

  private ProblemJson(String text) {
    this.text = text;
  }

  static byte[] write(Problem problem) {
    StringBuilder json = new StringBuilder(128).append('{');
    member(json, "type", problem.type());
    if (!problem.title().isEmpty()) {
      member(json, "title", problem.title());
    }
    json.append("\"status\":").append(problem.status()).append(',');
    if (!problem.detail().isEmpty()) {
      member(json, "detail", problem.detail());
    }
    problem.code().ifPresent(code -> member(json, "code", code));
    problem
        .retryAfter()
        .ifPresent(wait -> json.append("\"retryAfterMs\":").append(wait.toMillis()).append(','));
    json.append("\"retryable\":").append(problem.isRetryable()).append('}');
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void member(StringBuilder json, String name, String value) {
    json.append('"').append(name).append("\":\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ' || Character.isSurrogate(c)) {
        // A lone surrogate has no form in UTF-8, and a pair may be written this way too.
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    json.append("\",");
  }

  static Optional<Problem> read(byte[] json, Problem.Builder into) {
    try {
      String decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
      new ProblemJson(decoded).object(into);
      return Optional.of(into.build());
    } catch (CharacterCodingException | MalformedException e) {
      return Optional.empty();
    }
  }

  /** The content is not one JSON object. */
  private static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException() {
      super("malformed", null, false, false);
    }
  }

  private void object(Problem.Builder into) throws MalformedException {
    expect('{');
    if (!next('}')) {
      do {
        String name = string();
        expect(':');
        keep(name, value(1), into);
      } while (next(','));
      expect('}');
    }
    spaces();
    if (at < text.length()) {
      throw new MalformedException();
    }
  }

  private static void keep(String name, @Nullable Object value, Problem.Builder into) {
    if (value instanceof String text) {
      switch (name) {
        case "type" -> into.type(text);
        case "title" -> into.title(text);
        case "detail" -> into.detail(text);
        case "code" -> into.code(text);
        default -> {}
      }
    } else if (value instanceof Boolean flag) {
      if (name.equals("retryable")) {
        into.retryable(flag);
      }
    } else if (value instanceof Long number) {
      if (name.equals("status")) {
        into.status((int) Math.min(number, Integer.MAX_VALUE));
      } else if (name.equals("retryAfterMs") && number >= 0) {
        into.retryAfter(Duration.ofMillis(Math.min(number, MAX_RETRY_AFTER_MS)));
      }
    }
  }

  /** Returns a string, boolean or whole number; null for every other value. */
  private @Nullable Object value(int depth) throws MalformedException {
    spaces();
    char c = peek();
    return switch (c) {
      case '"' -> string();
      case '{', '[' -> {
        skipNested(depth);
        yield null;
      }
      case 't' -> {
        word("true");
        yield true;
      }
      case 'f' -> {
        word("false");
        yield false;
      }
      case 'n' -> {
        word("null");
        yield null;
      }
      default -> number();
    };
  }

  private void skipNested(int depth) throws MalformedException {
    if (depth >= MAX_DEPTH) {
      throw new MalformedException();
    }
    boolean isObject = peek() == '{';
    char close = isObject ? '}' : ']';
    at++;
    if (next(close)) {
      return;
    }
    do {
      if (isObject) {
        string();
        expect(':');
      }
      value(depth + 1);
    } while (next(','));
    expect(close);
  }

  private @Nullable Long number() throws MalformedException {
    int from = at;
    while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(from, at);
    if (digits.isEmpty()) {
      throw new MalformedException();
    }
    if (digits.length() > MAX_NUMBER_CHARS) {
      return null;
    }
    try {
      double exact = Double.parseDouble(digits);
      return exact == Math.rint(exact) ? (long) exact : null;
    } catch (NumberFormatException e) {
      throw new MalformedException();
    }
  }

  private String string() throws MalformedException {
    expect('"');
    StringBuilder read = new StringBuilder();
    while (true) {
      char c = peek();
      at++;
      if (c == '"') {
        return read.toString();
      }
      if (c < ' ') {
        throw new MalformedException();
      }
      read.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws MalformedException {
    char c = peek();
    at++;
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> unicode();
      default -> throw new MalformedException();
    };
  }

  private char unicode() throws MalformedException {
    int code = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw new MalformedException();
      }
      code = code * 16 + digit;
      at++;
    }
    return (char) code;
  }

  private void word(String word) throws MalformedException {
    if (!text.startsWith(word, at)) {
      throw new MalformedException();
    }
    at += word.length();
  }

  private void spaces() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() throws MalformedException {
    if (at >= text.length()) {
      throw new MalformedException();
    }
    return text.charAt(at);
  }

  private boolean next(char c) {
    spaces();
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(char c) throws MalformedException {
    if (!next(c)) {
      throw new MalformedException();
    }
  }
}
