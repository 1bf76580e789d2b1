package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MariaDbServerIT {

  @Test
  void keepsCommittedRowsOverAKillAndRestartsOnTheSamePort() throws SQLException {
    try (MariaDbServer server = MariaDbServer.start()) {
      String url = server.createDatabase("orders");
      try (Connection open = connect(server, url);
          Statement statement = open.createStatement()) {
        statement.execute("CREATE TABLE t (id int)");
        Set<Long> pids = server.pids();
        for (int round = 1; round <= 3; round++) {
          insert(server, url, round);
          server.kill();
          assertThat(server.isRunning()).isFalse();
          assertThat(Processes.awaitGone(pids)).isTrue();
          server.restart();
          assertThat(count(server, url)).isEqualTo(round);
          pids = server.pids();
        }
      }
    }
  }

  @Test
  void isDurableAndListensOnTheLoopbackOnly() throws SQLException {
    try (MariaDbServer server = MariaDbServer.start();
        Connection connection = connect(server, server.jdbcUrl())) {
      assertThat(show(connection, "innodb_flush_log_at_trx_commit")).isEqualTo("1");
      assertThat(show(connection, "bind_address")).isEqualTo("127.0.0.1");
    }
  }

  @Test
  void appliesTheCallersSettings() throws SQLException {
    try (MariaDbServer server = MariaDbServer.start(Map.of("max_allowed_packet", "2097152"));
        Connection connection = connect(server, server.jdbcUrl())) {
      assertThat(show(connection, "max_allowed_packet")).isEqualTo("2097152");
    }
  }

  @Test
  void answersNothingWhilePaused() throws SQLException {
    try (MariaDbServer server = MariaDbServer.start()) {
      server.pause();
      assertThat(server.isRunning()).isTrue();
      assertThatThrownBy(() -> connect(server, server.jdbcUrl() + "&connectTimeout=1000").close())
          .isInstanceOf(SQLException.class);
      server.resume();
      connect(server, server.jdbcUrl()).close();
    }
  }

  @Test
  void leavesNeitherProcessNorDataBehind() {
    File[] before = folders();
    MariaDbServer server = MariaDbServer.start();
    Set<Long> pids = server.pids();
    assertThat(pids).isNotEmpty();
    server.close();
    server.close();
    assertThat(Processes.awaitGone(pids)).isTrue();
    assertThat(folders()).containsExactlyInAnyOrder(before);
    assertThatThrownBy(server::restart).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void failsWithTheLogWhenItDoesNotStart() {
    assertThatThrownBy(() -> MariaDbServer.start(Map.of("no_such_setting", "1")))
        .isInstanceOf(ServerUnavailableException.class)
        .hasMessageContaining("no_such_setting");
  }

  @Test
  void refusesDatabaseNamesThatNeedQuoting() {
    MariaDbServer server = MariaDbServer.shared();
    assertThatThrownBy(() -> server.createDatabase("Orders; --"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theSharedServerCannotBeKilledOrClosed() throws SQLException {
    MariaDbServer server = MariaDbServer.shared();
    server.close();
    assertThatThrownBy(server::kill).isInstanceOf(IllegalStateException.class);
    connect(MariaDbServer.shared(), server.jdbcUrl()).close();
  }

  private static File[] folders() {
    return OrphanCleaner.instance().folder().toFile().listFiles();
  }

  private static Connection connect(MariaDbServer server, String url) throws SQLException {
    return DriverManager.getConnection(url, server.user(), server.password());
  }

  private static void insert(MariaDbServer server, String url, int id) throws SQLException {
    try (Connection connection = connect(server, url);
        Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO t VALUES (" + id + ")");
    }
  }

  private static int count(MariaDbServer server, String url) throws SQLException {
    try (Connection connection = connect(server, url);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM t")) {
      row.next();
      return row.getInt(1);
    }
  }

  private static String show(Connection connection, String setting) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT @@" + setting)) {
      row.next();
      return row.getString(1);
    }
  }
}
