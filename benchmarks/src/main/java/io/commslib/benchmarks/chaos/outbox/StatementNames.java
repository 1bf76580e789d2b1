package io.commslib.benchmarks.chaos.outbox;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Names the outbox's statements by their effect, so that crash points can surround them. */
final class StatementNames {

  private static final Pattern FIRST_TABLE = Pattern.compile("outbox_[a-z]+");
  private static final Pattern SETTINGS = Pattern.compile("^(.*; |SET STATEMENT \\S+ FOR )");

  private StatementNames() {}

  /** Returns the name, or null for a statement without crash points. */
  static @Nullable String name(String text) {
    String sql = SETTINGS.matcher(text).replaceFirst("");
    Matcher table = FIRST_TABLE.matcher(sql);
    if (!table.find()) {
      return null;
    }
    return switch (sql.substring(0, 6)) {
      case "INSERT" -> insert(table.group(), sql);
      case "UPDATE" -> update(table.group(), sql);
      case "DELETE" -> table.group().equals("outbox_message") ? "delete" : null;
      case "SELECT" ->
          sql.contains("m.payload")
              ? "read"
              : sql.endsWith("AND epoch = ? FOR UPDATE") ? "fence" : null;
      // One statement that deletes and returns the epochs.
      case "WITH g" -> "delete";
      default -> null;
    };
  }

  private static @Nullable String insert(String table, String sql) {
    return switch (table) {
      case "outbox_message" ->
          sql.contains("outbox_delayed")
              ? "promote"
              : sql.contains("outbox_parked") ? "redrive" : "schedule";
      case "outbox_delayed" -> "schedule-delayed";
      case "outbox_parked" -> "park";
      case "outbox_retry" -> "retry-state";
      default -> null;
    };
  }

  private static @Nullable String update(String table, String sql) {
    return switch (table) {
      // Parking ends with this statement, after a deletion with the name of others; it names the
      // commit.
      case "outbox_retry" ->
          sql.contains("attempts + 1")
              ? "retry-state"
              : sql.contains("SET next_at = NULL") ? "park" : null;
      case "outbox_shard" ->
          sql.contains("epoch + 1") ? "take" : sql.contains("owner = NULL") ? "release" : "renew";
      default -> null;
    };
  }
}
