package io.commslib.jdbc;

import io.commslib.core.spi.Checks;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Settings of MySQL and MariaDB under which a store would lose something and be told of success.
 */
final class MySqlSettings {

  private MySqlSettings() {}

  static void check(Connection connection, SqlDialect dialect) throws SQLException {
    DatabaseMetaData server = connection.getMetaData();
    int version = 1_000 * server.getDatabaseMajorVersion() + server.getDatabaseMinorVersion();
    boolean maria = dialect == SqlDialect.MARIADB;
    Checks.check(
        version >= (maria ? 10_006 : 8_000),
        "version",
        server.getDatabaseProductVersion(),
        maria ? "10.6 or newer" : "8.0.16 or newer");
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT @@sql_mode")) {
      row.next();
      String mode = row.getString(1);
      Checks.check(
          mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES"),
          "sql_mode",
          mode,
          "with STRICT_TRANS_TABLES, else what is too long is cut off");
    }
  }
}
