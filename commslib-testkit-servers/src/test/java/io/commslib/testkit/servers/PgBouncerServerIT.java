package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PgBouncerServerIT {

  @Test
  void sharesAServerConnectionByTransactionAndEndsItsClientsWithAKill() throws SQLException {
    try (PgBouncerServer pooler =
        PgBouncerServer.start(PostgresServer.shared(), Map.of("default_pool_size", "1"))) {
      String url = pooler.createDatabase("behind_a_pooler");
      try (Connection one = connect(pooler, url);
          Connection two = connect(pooler, url)) {
        assertThat(backend(one)).isEqualTo(backend(two));
        Set<Long> pids = pooler.pids();
        assertThat(pids).isNotEmpty();
        pooler.kill();
        assertThat(Processes.awaitGone(pids)).isTrue();
        assertThatThrownBy(() -> backend(one)).isInstanceOf(SQLException.class);
      }
      pooler.restart();
      try (Connection again = connect(pooler, url)) {
        assertThat(backend(again)).isPositive();
      }
    }
  }

  private static Connection connect(PgBouncerServer pooler, String url) throws SQLException {
    return DriverManager.getConnection(url, pooler.user(), pooler.password());
  }

  private static int backend(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
      row.next();
      return row.getInt(1);
    }
  }
}
