package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rejects settings of MySQL and MariaDB under which a store would lose data although the server
 * reports success.
 */
final class MySqlSettings {

  private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+).*");

  private MySqlSettings() {}

  /** Checks the settings; returns the maximum length of a statement in bytes. */
  static long check(Connection connection, SqlDialect dialect) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                SELECT VERSION(), @@sql_mode, @@innodb_rollback_on_timeout, @@max_allowed_packet
                """)) {
      row.next();
      boolean maria = dialect == SqlDialect.MARIADB;
      String version = row.getString(1);
      Checks.check(
          number(version) >= (maria ? 10_006_000 : 8_000_016),
          "version",
          version,
          maria ? "10.6 or newer" : "8.0.16 or newer");
      String mode = row.getString(2);
      Checks.check(
          mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES"),
          "sql_mode",
          mode,
          "with STRICT_TRANS_TABLES, otherwise long values are truncated");
      Checks.check(
          row.getInt(3) == 0,
          "innodb_rollback_on_timeout",
          row.getInt(3),
          "0, otherwise a lock timeout rolls back the whole transaction");
      return row.getLong(4);
    }
  }

  private static long number(String version) {
    Matcher parts = NUMBERS.matcher(version);
    return parts.matches()
        ? 1_000_000L * Integer.parseInt(parts.group(1))
            + 1_000L * Integer.parseInt(parts.group(2))
            + Integer.parseInt(parts.group(3))
        : 0;
  }
}
