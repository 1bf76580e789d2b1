package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Resolves the names in the outbox's SQL for one database: {@code @message} stands for the table
 * {@code outbox_message}, and likewise for every other table. {@code @now} stands for the clock of
 * the database, {@code @now_plus_millis} for that clock moved by a parameter, {@code
 * @or_ignore_duplicate} for the clause of an INSERT that ignores duplicate keys. A text becomes one
 * line. Immutable; resolve a text once and keep the result.
 */
final class OutboxSql {

  private static final Pattern NAME = Pattern.compile("@([a-z_]+)");
  private static final Pattern SPACE = Pattern.compile("\\s+");

  private final JdbcDatabase database;

  OutboxSql(JdbcDatabase database) {
    this.database = database;
  }

  /** Resolves one text. */
  static String of(JdbcDatabase database, String sql) {
    return new OutboxSql(database).text(sql);
  }

  /** Resolves one text that is a whole statement. */
  static SqlStatement statement(JdbcDatabase database, String sql) {
    return new OutboxSql(database).statement(sql);
  }

  SqlStatement statement(String sql) {
    return resolved(text(sql));
  }

  /** Makes a statement of a text that is resolved already. */
  SqlStatement resolved(String text) {
    return SqlStatement.of(database, text);
  }

  String text(String sql) {
    String line = SPACE.matcher(sql).replaceAll(" ").strip();
    return NAME.matcher(line).replaceAll(name -> Matcher.quoteReplacement(resolve(name.group(1))));
  }

  /** The same for a text with gaps. */
  SqlTemplate template(String sql) {
    return new SqlTemplate(text(sql));
  }

  private String resolve(String name) {
    return switch (name) {
      case "now" -> database.dialect().now();
      case "now_plus_millis" -> database.dialect().nowPlusMillis();
      case "or_ignore_duplicate" -> database.dialect().onConflictDoNothing();
      default -> database.table("outbox_" + name);
    };
  }
}
