package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Resolves names in SQL templates: {@code @now}, {@code @now_plus_millis} (takes a parameter) and
 * {@code @or_ignore_duplicate} are terms of the database, and {@code @shard} is the table {@code
 * outbox_shard}, and so on. The result is one line.
 */
final class RelaySql {

  private static final Pattern NAME = Pattern.compile("@(\\w+)");

  private RelaySql() {}

  static String of(JdbcDatabase database, String template) {
    String resolved =
        NAME.matcher(template)
            .replaceAll(name -> Matcher.quoteReplacement(resolve(database, name.group(1))));
    return resolved.strip().replaceAll("\\s+", " ");
  }

  private static String resolve(JdbcDatabase database, String name) {
    return switch (name) {
      case "now" -> database.dialect().now();
      case "now_plus_millis" -> database.dialect().nowPlusMillis();
      case "or_ignore_duplicate" -> database.dialect().onConflictDoNothing();
      default -> database.table("outbox_" + name);
    };
  }
}
