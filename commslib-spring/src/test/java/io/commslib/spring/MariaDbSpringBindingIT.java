package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.StoreException;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.outbox.TransactionBinding;
import io.commslib.outbox.TransactionBindingContract;
import java.sql.Connection;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.transaction.PlatformTransactionManager;

@ParameterizedClass
@MethodSource("bindings")
class MariaDbSpringBindingIT extends TransactionBindingContract {

  private static final Map<Managers, PlatformTransactionManager> MANAGERS =
      new EnumMap<>(Managers.class);
  private static HikariDataSource pool;

  @Parameter(0)
  Managers manager;

  @Parameter(1)
  SpringBinding binding;

  static Stream<Arguments> bindings() {
    return Stream.of(Managers.values())
        .flatMap(
            manager -> Stream.of(SpringBinding.values()).map(way -> Arguments.of(manager, way)));
  }

  @BeforeAll
  static void open() {
    pool = TestDatabases.mariadb();
  }

  @AfterAll
  static void closePool() {
    MANAGERS.clear();
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.mariadb();
  }

  @Override
  protected TransactionBinding binding(JdbcDatabase database) {
    return binding.on(
        MANAGERS.computeIfAbsent(manager, kind -> kind.on(database.dataSource())), database);
  }

  /** Simulates a deadlock: the next statement begins another transaction. */
  @Test
  void aTransactionThatTheServerRolledBackBehindTheLibraryIsRefused() {
    if (binding == SpringBinding.JOINED) {
      // Savepoints of the application may enclose the probing savepoint.
      return;
    }
    JdbcDatabase own = JdbcDatabase.builder(pool).build();
    SpringTransactionRunner runner =
        SpringTransactionRunner.create(
            MANAGERS.computeIfAbsent(manager, kind -> kind.on(pool)), own);
    assertThatThrownBy(
            () ->
                runner.run(
                    tx -> {
                      Connection connection = DataSourceUtils.getConnection(pool);
                      try (Statement statement = connection.createStatement()) {
                        statement.execute("ROLLBACK");
                      }
                      return null;
                    }))
        .isInstanceOf(StoreException.class)
        .hasMessageStartingWith("COMMS-JDBC-016: commit: the database has rolled the transaction");
  }
}
