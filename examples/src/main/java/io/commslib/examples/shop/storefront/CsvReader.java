package io.commslib.examples.shop.storefront;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Reads CSV by RFC 4180: commas, quotes, doubled quotes, line breaks inside quotes; trims nothing.
 */
final class CsvReader {

  private enum State {
    FIELD_START,
    PLAIN,
    QUOTED,
    QUOTE_IN_QUOTED
  }

  private final String text;
  private final BiConsumer<Long, List<String>> records;
  private final List<String> fields = new ArrayList<>();
  private final StringBuilder field = new StringBuilder();
  private long line = 1;
  private long recordLine = 1;
  private State state = State.FIELD_START;

  private CsvReader(String text, BiConsumer<Long, List<String>> records) {
    this.text = text;
    this.records = records;
  }

  /**
   * Calls {@code records} with the physical line at which each record begins (the first is 1) and
   * its fields.
   */
  static void read(String text, BiConsumer<Long, List<String>> records) {
    new CsvReader(text, records).run();
  }

  private void run() {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean crlf = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n';
      boolean lineEnd = c == '\n' || crlf;
      if (lineEnd && state != State.QUOTED) {
        i += crlf ? 1 : 0;
        line++;
        endRecord();
      } else {
        line += c == '\n' ? 1 : 0;
        accept(c);
      }
    }
    if (state != State.FIELD_START || !fields.isEmpty() || field.length() > 0) {
      endRecord();
    }
  }

  private void accept(char c) {
    if (state == State.QUOTED) {
      if (c == '"') {
        state = State.QUOTE_IN_QUOTED;
      } else {
        field.append(c);
      }
    } else if (c == ',') {
      endField();
    } else if (c == '"' && state == State.FIELD_START) {
      state = State.QUOTED;
    } else if (c == '"' && state == State.QUOTE_IN_QUOTED) {
      field.append(c);
      state = State.QUOTED;
    } else {
      field.append(c);
      state = State.PLAIN;
    }
  }

  private void endField() {
    fields.add(field.toString());
    field.setLength(0);
    state = State.FIELD_START;
  }

  private void endRecord() {
    endField();
    records.accept(recordLine, List.copyOf(fields));
    fields.clear();
    recordLine = line;
  }
}
