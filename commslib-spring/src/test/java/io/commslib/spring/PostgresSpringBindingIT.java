package io.commslib.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.outbox.TransactionBinding;
import io.commslib.outbox.TransactionBindingContract;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.transaction.PlatformTransactionManager;

@ParameterizedClass
@MethodSource("bindings")
class PostgresSpringBindingIT extends TransactionBindingContract {

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
    pool = TestDatabases.postgres();
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
    return TestDatabases.postgres();
  }

  @Override
  protected TransactionBinding binding(JdbcDatabase database) {
    return binding.on(
        MANAGERS.computeIfAbsent(manager, kind -> kind.on(database.dataSource())), database);
  }
}
