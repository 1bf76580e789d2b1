package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Bindings.class)
class H2TransactionBindingTest extends TransactionBindingContract {

  @TempDir static Path folder;
  private static HikariDataSource pool;

  @Parameter Bindings bindings;

  @BeforeAll
  static void open() {
    pool = newPool();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  private static HikariDataSource newPool() {
    return TestDatabases.h2(folder);
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return newPool();
  }

  @Override
  protected TransactionBinding binding(JdbcDatabase database) {
    return bindings.on(database);
  }
}
