package io.commslib.testkit.history;

import java.util.Locale;

/**
 * One line of a history: a flat JSON object with text and whole numbers. Written and read only
 * here; unknown fields are ignored.
 */
record HistoryEvent(HistoryOp op, long nanos, MessageTrace message, String consumer, int attempt) {

  String toJson(String run, String process) {
    StringBuilder line = new StringBuilder(160).append('{');
    text(line, "run", run);
    text(line, "proc", process);
    number(line, "t", nanos);
    text(line, "op", op.name().toLowerCase(Locale.ROOT));
    text(line, "id", message.id());
    text(line, "writer", message.writer());
    text(line, "key", message.key());
    number(line, "seq", message.seq());
    if (!consumer.isEmpty()) {
      text(line, "consumer", consumer);
      number(line, "attempt", attempt);
    }
    line.setCharAt(line.length() - 1, '}');
    return line.append('\n').toString();
  }

  private static void text(StringBuilder line, String name, String value) {
    line.append('"').append(name).append("\":\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        line.append('\\').append(c);
      } else if (c < ' ') {
        line.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        line.append(c);
      }
    }
    line.append("\",");
  }

  private static void number(StringBuilder line, String name, long value) {
    line.append('"').append(name).append("\":").append(value).append(',');
  }

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException if it is no line of {@link HistoryWriter}, or is cut short
   */
  static HistoryEvent parse(String line) {
    return new Parser(line).event();
  }

  private static final class Parser {
    private final String line;
    private int at;
    private String op = "";
    private String id = "";
    private String writer = "";
    private String key = "";
    private String consumer = "";
    private long nanos;
    private long seq;
    private long attempt;

    Parser(String line) {
      this.line = line;
    }

    HistoryEvent event() {
      expect('{');
      do {
        String name = text();
        expect(':');
        if (peek() == '"') {
          assign(name, text());
        } else {
          assign(name, number());
        }
      } while (next() == ',');
      if (at != line.length() || line.charAt(at - 1) != '}' || op.isEmpty()) {
        throw wrong();
      }
      return new HistoryEvent(
          HistoryOp.valueOf(op.toUpperCase(Locale.ROOT)),
          nanos,
          new MessageTrace(id, writer, key, seq),
          consumer,
          (int) attempt);
    }

    private void assign(String name, String value) {
      switch (name) {
        case "op" -> op = value;
        case "id" -> id = value;
        case "writer" -> writer = value;
        case "key" -> key = value;
        case "consumer" -> consumer = value;
        default -> {}
      }
    }

    private void assign(String name, long value) {
      switch (name) {
        case "t" -> nanos = value;
        case "seq" -> seq = value;
        case "attempt" -> attempt = value;
        default -> {}
      }
    }

    private String text() {
      expect('"');
      int start = at;
      StringBuilder escaped = null;
      for (char c = next(); c != '"'; c = next()) {
        if (c == '\\') {
          if (escaped == null) {
            escaped = new StringBuilder(line.substring(start, at - 1));
          }
          escaped.append(unescaped());
        } else if (escaped != null) {
          escaped.append(c);
        }
      }
      return escaped == null ? line.substring(start, at - 1) : escaped.toString();
    }

    private char unescaped() {
      char c = next();
      if (c != 'u') {
        return c;
      }
      if (at + 4 > line.length()) {
        throw wrong();
      }
      at += 4;
      return (char) Integer.parseInt(line, at - 4, at, 16);
    }

    private long number() {
      int start = at;
      while (peek() == '-' || Character.isDigit(peek())) {
        at++;
      }
      return Long.parseLong(line, start, at, 10);
    }

    private char peek() {
      if (at >= line.length()) {
        throw wrong();
      }
      return line.charAt(at);
    }

    private char next() {
      char c = peek();
      at++;
      return c;
    }

    private void expect(char wanted) {
      if (next() != wanted) {
        throw wrong();
      }
    }

    private IllegalArgumentException wrong() {
      return new IllegalArgumentException(
          "history line: broken at column " + at + " (expected: an event of HistoryWriter)");
    }
  }
}
