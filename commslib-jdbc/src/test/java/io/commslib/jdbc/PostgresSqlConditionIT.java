package io.commslib.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

class PostgresSqlConditionIT extends SqlConditionContract {

  @Override
  HikariDataSource open() {
    return TestDatabases.postgres();
  }

  @Override
  String[] slow() {
    return new String[] {"SET statement_timeout = 50", "SELECT pg_sleep(20)"};
  }

  @Override
  String impatience() {
    return "SET lock_timeout = 50";
  }

  @Override
  String[] createStranger() {
    return new String[] {"DROP USER IF EXISTS stranger", "CREATE USER stranger PASSWORD 'Secret1'"};
  }

  /** The server under test trusts passwords, but no unknown users. */
  @Override
  String wrongUser() {
    return "unknown";
  }

  @Override
  void kill(Connection victim, DataSourceStatement admin) throws SQLException {
    try (Statement statement = victim.createStatement();
        ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
      row.next();
      admin.execute("SELECT pg_terminate_backend(" + row.getInt(1) + ", 5000)");
    }
  }
}
