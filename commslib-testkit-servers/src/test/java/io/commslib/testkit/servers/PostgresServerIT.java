package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PostgresServerIT {

  @Test
  void keepsCommittedRowsOverAKillAndRestartsOnTheSamePort() throws SQLException {
    try (PostgresServer server = PostgresServer.start()) {
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
  void isDurable() throws SQLException {
    try (PostgresServer server = PostgresServer.start();
        Connection connection = connect(server, server.jdbcUrl())) {
      assertThat(show(connection, "fsync")).isEqualTo("on");
      assertThat(show(connection, "synchronous_commit")).isEqualTo("on");
      assertThat(show(connection, "max_connections")).isEqualTo("200");
    }
  }

  @Test
  void appliesTheCallersSettings() throws SQLException {
    try (PostgresServer server = PostgresServer.start(Map.of("wal_level", "logical"));
        Connection connection = connect(server, server.jdbcUrl())) {
      assertThat(show(connection, "wal_level")).isEqualTo("logical");
    }
  }

  @Test
  void answersNothingWhilePaused() throws SQLException {
    try (PostgresServer server = PostgresServer.start()) {
      server.pause();
      assertThat(server.isRunning()).isTrue();
      assertThatThrownBy(() -> connect(server, server.jdbcUrl() + "?socketTimeout=1").close())
          .isInstanceOf(SQLException.class);
      server.resume();
      connect(server, server.jdbcUrl()).close();
    }
  }

  @Test
  void leavesNeitherProcessNorDataBehind() {
    File[] before = folders();
    PostgresServer server = PostgresServer.start();
    Set<Long> pids = server.pids();
    assertThat(pids).hasSizeGreaterThan(1);
    server.close();
    server.close();
    assertThat(Processes.awaitGone(pids)).isTrue();
    assertThat(folders()).containsExactlyInAnyOrder(before);
    assertThatThrownBy(server::restart).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void failsWithTheLogWhenItDoesNotStart() {
    assertThatThrownBy(() -> PostgresServer.start(Map.of("no_such_setting", "1")))
        .isInstanceOf(ServerUnavailableException.class)
        .hasMessageContaining("no_such_setting");
  }

  @Test
  void refusesDatabaseNamesThatNeedQuoting() {
    PostgresServer server = PostgresServer.shared();
    assertThatThrownBy(() -> server.createDatabase("Orders; --"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theSharedServerCannotBeKilledOrClosed() throws SQLException {
    PostgresServer server = PostgresServer.shared();
    server.close();
    assertThatThrownBy(server::kill).isInstanceOf(IllegalStateException.class);
    connect(PostgresServer.shared(), server.jdbcUrl()).close();
  }

  @Test
  void theArtifactsBinariesAreComplete() {
    assertThat(PostgresBinaries.unpacked())
        .satisfies(bin -> assertThat(Files.isExecutable(bin.resolve("postgres"))).isTrue())
        .satisfies(bin -> assertThat(Files.isExecutable(bin.resolve("initdb"))).isTrue());
  }

  private static File[] folders() {
    return OrphanCleaner.instance().folder().toFile().listFiles();
  }

  private static Connection connect(PostgresServer server, String url) throws SQLException {
    return DriverManager.getConnection(url, server.user(), server.password());
  }

  private static void insert(PostgresServer server, String url, int id) throws SQLException {
    try (Connection connection = connect(server, url);
        Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO t VALUES (" + id + ")");
    }
  }

  private static int count(PostgresServer server, String url) throws SQLException {
    try (Connection connection = connect(server, url);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM t")) {
      row.next();
      return row.getInt(1);
    }
  }

  private static String show(Connection connection, String setting) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SHOW " + setting)) {
      row.next();
      return row.getString(1);
    }
  }
}
