package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.jdbc.JdbcDatabase;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract on a database. */
public abstract class JdbcBlockedKeysContract extends BlockedKeysContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private HikariDataSource pool;
  private JdbcDatabase database;

  /** Creates a contract. */
  protected JdbcBlockedKeysContract() {}

  /**
   * Returns the address of the database under test.
   *
   * @return URL, user and password
   */
  protected abstract String[] login();

  @BeforeEach
  void freshSchema() {
    String[] login = login();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(login[0]);
    config.setUsername(login[1]);
    config.setPassword(login[2]);
    pool = new HikariDataSource(config);
    database = JdbcDatabase.builder(pool).schema("held_" + SCHEMAS.incrementAndGet()).build();
    BlockedKeysSchema.scripts().apply(database);
    BlockedKeysSchema.scripts().check(database);
  }

  @AfterEach
  void closePool() {
    pool.close();
  }

  @Override
  protected BlockedKeyStore store() {
    return JdbcBlockedKeyStore.create(database);
  }

  @Test
  void aLostDatabaseFailsWithACode() {
    BlockedKeyStore store = store();
    pool.close();
    assertThatThrownBy(() -> store.level("c", "k")).isInstanceOf(StoreException.class);
    assertThatThrownBy(() -> store.block("c", "k", 0)).isInstanceOf(StoreException.class);
  }
}
