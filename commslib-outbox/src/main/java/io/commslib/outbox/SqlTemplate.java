package io.commslib.outbox;

/**
 * A statement with gaps such as <code>{limit}</code> for conditions and numbers that differ between
 * calls. Immutable.
 */
final class SqlTemplate {

  private final String[] literals;
  private final int length;

  SqlTemplate(String text) {
    this.literals = text.split("\\{[a-z]+}", -1);
    this.length = text.length();
  }

  /** Fills the gaps, in their order. */
  String with(Object... values) {
    if (values.length != literals.length - 1) {
      throw new IllegalArgumentException(
          "values: " + values.length + " (expected: " + (literals.length - 1) + ")");
    }
    StringBuilder sql = new StringBuilder(2 * length).append(literals[0]);
    for (int i = 0; i < values.length; i++) {
      sql.append(values[i]).append(literals[i + 1]);
    }
    return sql.toString();
  }
}
