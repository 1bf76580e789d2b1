package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Bindings.class)
class PostgresTransactionBindingIT extends TransactionBindingContract {

  private static HikariDataSource pool;

  @Parameter Bindings bindings;

  @BeforeAll
  static void open() {
    pool = TestDatabases.postgres();
  }

  @AfterAll
  static void closePool() {
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
    return bindings.on(database);
  }
}
