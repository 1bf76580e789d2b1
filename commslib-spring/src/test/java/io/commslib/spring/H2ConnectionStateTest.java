package io.commslib.spring;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;

class H2ConnectionStateTest extends ConnectionStateContract {

  private static final String URL = "jdbc:h2:mem:given_back;DB_CLOSE_DELAY=-1";

  @Override
  SessionState kind() {
    return SessionState.H2;
  }

  @Override
  Connection open() throws SQLException {
    return DriverManager.getConnection(URL, "sa", "");
  }

  @Override
  List<String> unusual() {
    return List.of(
        "CREATE SCHEMA IF NOT EXISTS ELSEWHERE", "SET SCHEMA ELSEWHERE", "SET LOCK_TIMEOUT 4321");
  }

  @Override
  DataSource unobserved() {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL(URL);
    source.setUser("sa");
    source.setPassword("");
    return source;
  }
}
