package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contract of request stores in a database, beyond that of all stores; run on each database. */
public abstract class JdbcIdempotencyStoreContract extends IdempotencyStoreContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private String schema;
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
    schema = "requests_" + SCHEMAS.incrementAndGet();
    database = JdbcDatabase.builder(own).schema(schema).build();
    InboxSchema.scripts().apply(database);
    store =
        JdbcIdempotencyStore.create(
            database, IdempotencyConfig.builder().retention(RETENTION).purgeBatch(10).build());
  }

  @AfterEach
  void closePool() {
    own.close();
  }

  final String schema() {
    return schema;
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

  /** The database's clock can't be moved, so the stored times are moved the other way. */
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
  void aRequestCommitsEffectAndResultTogetherAndNeitherOfAServerError() throws SQLException {
    try (Connection connection = own.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE " + database.table("charge") + " (amount int NOT NULL)");
    }
    IdempotentRequests requests = IdempotentRequests.builder(store).build();
    int[] answers = {503, 201, 201};
    for (int answer : answers) {
      StoredResult result =
          requests
              .inTransaction(
                  transactions(),
                  "customer-7/charge",
                  "key-1",
                  IdempotentRequests.fingerprint(new byte[] {5}),
                  tx -> {
                    insertCharge(tx);
                    return new StoredResult(answer, "text/plain", new byte[0], Map.of());
                  })
              .result();
      assertThat(result.status()).isEqualTo(answer);
    }
    assertThat(count("charge")).isEqualTo(1);
    assertThat(count("idempotency")).isEqualTo(1);
  }

  @Test
  void aResultThatTheDatabaseRefusesIsStoredInShortFormOrRolledBackWithItsEffects()
      throws SQLException {
    try (Connection connection = own.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "ALTER TABLE "
              + database.table("idempotency")
              + " ADD CONSTRAINT small_bodies CHECK (octet_length(body) < 1000)");
      statement.execute("CREATE TABLE " + database.table("charge") + " (amount int NOT NULL)");
    }
    StoredResult refused = new StoredResult(201, "a/b", new byte[1_000], Map.of());
    assertThat(store.complete(REQUEST, claim().token(), refused)).isTrue();
    assertThat(claim().result().status()).isEqualTo(201);
    assertThat(UnstorableResults.isShort(claim().result())).isTrue();

    RequestKey other = new RequestKey("caller/charge", "key-2", "print-1");
    Throwable failure =
        catchThrowable(
            () ->
                transactions()
                    .<Void, SQLException>run(
                        tx -> {
                          Claim claim = store.claim(tx, other);
                          insertCharge(tx);
                          store.complete(tx, other, claim.token(), refused);
                          return null;
                        }));
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      assertThat(failure).as("the transaction refuses further statements").isNotNull();
      assertThat(count("charge")).isZero();
      assertThat(claimInTransaction(other).kind()).isEqualTo(Claim.Kind.GRANTED);
    } else {
      assertThat(failure).isNull();
      assertThat(count("charge")).isEqualTo(1);
      assertThat(UnstorableResults.isShort(claimInTransaction(other).result())).isTrue();
    }
  }

  private int count(String table) throws SQLException {
    try (Connection connection = own.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM " + database.table(table))) {
      row.next();
      return row.getInt(1);
    }
  }

  private void insertCharge(TransactionContext tx) throws SQLException {
    try (Statement insert = tx.unwrap(Connection.class).createStatement()) {
      insert.executeUpdate("INSERT INTO " + database.table("charge") + " VALUES (5)");
    }
  }

  @Test
  void doesNotTakeOverAKeyThatWasJustCompleted() throws SQLException {
    IdempotencyConfig config = IdempotencyConfig.builder().retention(RETENTION).build();
    RequestTable rows =
        new RequestTable(database, RequestClaims.of(database, config).nowMillis(), config);
    long token = claim().token();
    pass(LEASE);
    assertThat(store.complete(REQUEST, token, result("late"))).isTrue();
    try (Connection connection = own.getConnection()) {
      assertThat(rows.takeOver(connection, REQUEST, token, 1)).isFalse();
    }
    assertThat(claim().result().body()).isEqualTo(result("late").body());
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
