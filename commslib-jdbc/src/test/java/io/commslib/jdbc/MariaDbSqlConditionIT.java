package io.commslib.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

class MariaDbSqlConditionIT extends SqlConditionContract {

  @Override
  HikariDataSource open() {
    return TestDatabases.mariadb();
  }

  @Override
  String[] slow() {
    return new String[] {
      "SET STATEMENT max_statement_time = 0.05 FOR"
          + " SELECT SUM(a.seq * b.seq) FROM seq_1_to_100000 a, seq_1_to_100000 b"
    };
  }

  @Override
  String impatience() {
    return "SET innodb_lock_wait_timeout = 1";
  }

  @Override
  String[] createStranger() {
    return new String[] {"CREATE OR REPLACE USER stranger@localhost IDENTIFIED BY 'Secret1'"};
  }

  /** Every user has all privileges in the database of the tests. */
  @Override
  String forbidden() {
    return "DELETE FROM mysql.proc";
  }

  @Override
  void kill(Connection victim, DataSourceStatement admin) throws SQLException {
    try (Statement statement = victim.createStatement();
        ResultSet row = statement.executeQuery("SELECT CONNECTION_ID()")) {
      row.next();
      admin.execute("KILL " + row.getInt(1));
    }
  }
}
