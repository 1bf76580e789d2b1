package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.StoreException;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SchemaScripts;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every store of this module refuses missing or incompatible tables when it is created. */
abstract class MissingTablesContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  /** Creates a store, with the scripts of its table. */
  private record Row(Function<JdbcDatabase, Object> create, SchemaScripts scripts) {}

  private static final Map<String, Row> TABLE =
      Map.of(
          "JdbcInbox",
          new Row(
              database -> JdbcInbox.create(database, InboxConfig.defaults()),
              InboxSchema.scripts()),
          "JdbcIdempotencyStore",
          new Row(
              database -> JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()),
              InboxSchema.scripts()),
          "JdbcBlockedKeyStore",
          new Row(JdbcBlockedKeyStore::create, BlockedKeysSchema.scripts()));

  private HikariDataSource pool;
  private JdbcDatabase database;

  abstract HikariDataSource open();

  @BeforeEach
  void emptySchema() {
    pool = open();
    database = JdbcDatabase.builder(pool).schema("missing_" + SCHEMAS.incrementAndGet()).build();
  }

  @AfterEach
  void close() {
    pool.close();
  }

  @Test
  void everyStoreOfTheModuleHasARow() throws IOException, URISyntaxException {
    Path classes =
        Path.of(JdbcInbox.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes)) {
      assertThat(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.matches("Jdbc[A-Za-z]+\\.class"))
                  .map(name -> name.replace(".class", ""))
                  .collect(Collectors.toSet()))
          .isEqualTo(TABLE.keySet());
    }
  }

  @Test
  void aStoreWithoutItsTableIsRefused() {
    TABLE.forEach((name, row) -> assertRefused(name, row, "COMMS-JDBC-010"));
  }

  @Test
  void aStoreIsRefusedOnATableThatIsTooNewOnly() throws SQLException {
    for (Row row : TABLE.values()) {
      row.scripts().apply(database);
      assertThat(row.create().apply(database)).isNotNull();
    }
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "UPDATE " + database.table("commslib_schema") + " SET version = 9, compatible_from = 9");
    }
    TABLE.forEach((name, row) -> assertRefused(name, row, "COMMS-JDBC-012"));
  }

  private void assertRefused(String name, Row row, String code) {
    assertThatThrownBy(() -> row.create().apply(database))
        .as(name)
        .isInstanceOf(StoreException.class)
        .hasMessageStartingWith(code);
  }
}
