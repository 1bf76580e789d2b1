package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.StoreException;
import io.commslib.examples.docs.LibrarySchemas.Schema;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.jdbc.SqlDialect;
import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The operations that every schema of the library must allow, on each database it has scripts for.
 */
class EverySchemaIT {

  @ParameterizedTest
  @EnumSource(names = "MYSQL", mode = EnumSource.Mode.EXCLUDE)
  void isPrintedAppliedAppliedTwiceAndByTwoProcessesAtOnce(SqlDialect dialect) throws Exception {
    List<Schema> schemas = LibrarySchemas.all();
    assertThat(schemas).hasSizeGreaterThanOrEqualTo(4);
    try (HikariDataSource pool = pool(dialect)) {
      for (Schema schema : schemas) {
        if (schema.supports(dialect)) {
          String name = schema.scripts().module().replace('-', '_');
          apply(schema.scripts(), JdbcDatabase.builder(pool).schema(name + "_applied").build());
          print(schema.scripts(), JdbcDatabase.builder(pool).schema(name + "_printed").build());
        }
      }
    }
  }

  private static void apply(SchemaScripts scripts, JdbcDatabase database) throws Exception {
    assertThatThrownBy(() -> scripts.check(database))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.code()).isEqualTo("COMMS-JDBC-010"));
    atOnce(() -> scripts.apply(database), () -> scripts.apply(database));
    scripts.check(database);
    scripts.apply(database);
    scripts.check(database);
    // As after a failure at the last step: each statement is run again.
    execute(database.dataSource(), "DELETE FROM " + database.table("commslib_schema"));
    scripts.apply(database);
    scripts.check(database);
  }

  private static void print(SchemaScripts scripts, JdbcDatabase database) throws SQLException {
    for (int version = 1; version <= scripts.latest(); version++) {
      execute(database.dataSource(), scripts.print(database, version - 1, version).split(";\n"));
    }
    scripts.check(database);
    scripts.apply(database);
  }

  private static void atOnce(Runnable... processes) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(processes.length);
    try {
      CyclicBarrier start = new CyclicBarrier(processes.length);
      List<Future<?>> all =
          Stream.of(processes)
              .<Future<?>>map(
                  process ->
                      threads.submit(
                          () -> {
                            start.await();
                            process.run();
                            return null;
                          }))
              .toList();
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static void execute(DataSource source, String... statements) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static HikariDataSource pool(SqlDialect dialect) {
    HikariConfig config = new HikariConfig();
    switch (dialect) {
      case POSTGRESQL -> {
        PostgresServer server = PostgresServer.shared();
        config.setJdbcUrl(server.jdbcUrl());
        config.setUsername(server.user());
        config.setPassword(server.password());
      }
      case MARIADB -> {
        MariaDbServer server = MariaDbServer.shared();
        config.setJdbcUrl(server.jdbcUrl());
        config.setUsername(server.user());
        config.setPassword(server.password());
      }
      default -> {
        config.setJdbcUrl("jdbc:h2:mem:every-schema");
        config.setUsername("sa");
      }
    }
    return new HikariDataSource(config);
  }
}
