package io.commslib.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.io.TempDir;

class H2SqlConditionTest extends SqlConditionContract {

  @TempDir Path folder;

  @Override
  HikariDataSource open() {
    return TestDatabases.h2(folder);
  }

  @Override
  String[] slow() {
    return new String[] {
      "SET QUERY_TIMEOUT 50",
      "SELECT SUM(a.X * b.X) FROM SYSTEM_RANGE(1, 100000) a, SYSTEM_RANGE(1, 100000) b"
    };
  }

  @Override
  String impatience() {
    return "SET LOCK_TIMEOUT 50";
  }

  @Override
  String[] createStranger() {
    return new String[] {"CREATE USER stranger PASSWORD 'Secret1'"};
  }

  @Override
  void kill(Connection victim, DataSourceStatement admin) throws SQLException {
    try (Statement statement = victim.createStatement();
        ResultSet row = statement.executeQuery("SELECT SESSION_ID()")) {
      row.next();
      admin.execute("SELECT ABORT_SESSION(" + row.getInt(1) + ")");
    }
  }
}
