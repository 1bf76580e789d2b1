package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What holds for stores of requests in a database; run on each database. */
public abstract class JdbcIdempotencyStoreContract extends IdempotencyStoreContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private HikariDataSource own;
  private JdbcDatabase database;
  private JdbcIdempotencyStore store;

  /** Creates a contract. */
  protected JdbcIdempotencyStoreContract() {}

  /**
   * Opens a pool of connections to the database under test.
   *
   * @return new pool; the test closes it
   */
  protected abstract HikariDataSource newPool();

  @BeforeEach
  void freshSchema() {
    own = newPool();
    database = JdbcDatabase.builder(own).schema("requests_" + SCHEMAS.incrementAndGet()).build();
    InboxSchema.scripts().apply(database);
    store =
        JdbcIdempotencyStore.create(
            database, IdempotencyConfig.builder().retention(RETENTION).purgeBatch(10).build());
  }

  @AfterEach
  void closePool() {
    own.close();
  }

  final JdbcDatabase database() {
    return database;
  }

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected TransactionRunner transactions() {
    return JdbcTransactionRunner.create(database);
  }

  /** The database's clock can't be moved, so what is kept moves the other way. */
  @Override
  protected void pass(Duration by) {
    try (Connection connection = own.getConnection();
        PreparedStatement update =
            connection.prepareStatement(
                "UPDATE "
                    + database.table("idempotency")
                    + " SET leased_until = CASE WHEN leased_until > 1000000 THEN leased_until - ?"
                    + " ELSE leased_until END, expires_at = expires_at - ?")) {
      update.setLong(1, by.toMillis());
      update.setLong(2, by.toMillis());
      update.executeUpdate();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void refusesATransactionOfAnotherDatabase() {
    try (HikariDataSource foreign = newPool()) {
      JdbcTransactionRunner elsewhere =
          JdbcTransactionRunner.create(JdbcDatabase.builder(foreign).build());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> elsewhere.run(tx -> store.claim(tx, REQUEST)))
          .withMessageStartingWith("transaction: ");
    }
  }
}
