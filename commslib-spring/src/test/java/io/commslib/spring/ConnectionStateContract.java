package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SingleStatements;
import io.commslib.outbox.Bindings;
import io.commslib.outbox.OutboxNotifier;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.ParkedFilter;
import io.commslib.outbox.TransactionBinding;
import io.commslib.saga.SagaEngine;
import io.commslib.saga.SagaStatus;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * A borrowed connection is returned unchanged: isolation, auto-commit, read-only mode, schema,
 * settings of the session and locks, and without an open transaction; also after failures. On a
 * pool that does not reset connections.
 */
abstract class ConnectionStateContract {

  /** State in which the pool supplies connections. */
  enum Pool {
    /** Auto-commit on, READ COMMITTED, everything else at the database's default. */
    USUAL,
    /** Auto-commit off, SERIALIZABLE, another schema, other lock timeouts. */
    UNUSUAL
  }

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private String schema = "";
  private RecordingPool pool;
  private JdbcDatabase database;
  private final AtomicInteger effects = new AtomicInteger();
  private JdbcTransactionRunner transactions;
  private Stores stores;

  /** Returns the kind of database. */
  abstract SessionState kind();

  /** Opens a connection with all its defaults. */
  abstract Connection open() throws SQLException;

  /** Returns statements that change a session's defaults. */
  abstract List<String> unusual();

  /** Returns another pool, for statements that are not recorded. */
  abstract DataSource unobserved();

  private Connection open(Pool how) throws SQLException {
    Connection connection = open();
    if (how == Pool.UNUSUAL) {
      try (Statement statement = connection.createStatement()) {
        for (String sql : unusual()) {
          statement.execute(sql);
        }
      }
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      connection.setAutoCommit(false);
    } else {
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }
    return connection;
  }

  private void useWithTables(Pool how, int connections) throws SQLException {
    use(how, connections);
    // Creating the tables borrows two connections at the same time.
    Stores.makeTables(JdbcDatabase.builder(unobserved()).schema(schema).build());
    stores = new Stores(database);
  }

  @BeforeEach
  void usualPool() throws SQLException {
    use(Pool.USUAL, 1);
  }

  private void use(Pool how, int connections) throws SQLException {
    close();
    schema = "given_back_" + SCHEMAS.incrementAndGet();
    execute(
        kind() == SessionState.MARIADB
            ? "CREATE DATABASE " + schema
            : "CREATE SCHEMA \"" + schema + "\"");
    pool = new RecordingPool(connections, kind(), () -> open(how), this::open);
    database = JdbcDatabase.builder(pool).schema(schema).build();
    transactions = JdbcTransactionRunner.create(database);
    execute("CREATE TABLE " + database.table("effect") + " (id varchar(20) PRIMARY KEY)");
  }

  @AfterEach
  void close() throws SQLException {
    if (stores != null) {
      stores.close();
      stores = null;
    }
    if (pool != null) {
      pool.close();
      pool = null;
    }
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = unobserved().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private int effects() throws SQLException {
    try (Connection connection = unobserved().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("SELECT count(*) FROM " + database.table("effect"))) {
      row.next();
      return row.getInt(1);
    }
  }

  private void effect(Connection connection, String id) throws SQLException {
    try (Statement insert = connection.createStatement()) {
      insert.executeUpdate("INSERT INTO " + database.table("effect") + " VALUES ('" + id + "')");
    }
  }

  private void assertReturnedUnchanged(String after) {
    assertThat(pool.differences()).as(after).isEmpty();
    assertThat(pool.lent()).as("connections out after " + after).isZero();
  }

  // --- bindings and operations in a caller's transaction

  private Map<String, TransactionBinding> bindings(Pool how) {
    Map<String, TransactionBinding> all = new LinkedHashMap<>();
    for (Bindings binding : Bindings.values()) {
      all.put(binding.name(), binding.on(database));
    }
    if (how == Pool.UNUSUAL) {
      // It switches auto-commit off for a running transaction and leaves the reset to the one that
      // began it.
      all.remove(Bindings.JDBI.name());
    }
    for (Managers manager : Managers.values()) {
      if (manager == Managers.JPA && how == Pool.UNUSUAL) {
        // Hibernate leaves a transaction open when it starts on such a pool.
        continue;
      }
      PlatformTransactionManager made = manager.on(pool);
      for (SpringBinding binding : SpringBinding.values()) {
        all.put(manager + " " + binding, binding.on(made, database));
      }
    }
    return all;
  }

  private void byEveryBindingWithEveryOperationInATransaction(Pool how) throws Exception {
    useWithTables(how, 1);
    for (Map.Entry<String, TransactionBinding> binding : bindings(how).entrySet()) {
      for (Map.Entry<String, Stores.Operation> operation : stores.operations().entrySet()) {
        String name = operation.getKey() + " in " + binding.getKey();
        binding.getValue().run(tx -> leavesTheSession(name, tx, operation.getValue()));
        assertReturnedUnchanged(name);
        assertThatThrownBy(
                () ->
                    binding
                        .getValue()
                        .run(
                            tx -> {
                              operation.getValue().run(tx);
                              throw new UnsupportedOperationException("changed my mind");
                            }))
            .hasStackTraceContaining("changed my mind");
        assertReturnedUnchanged(name + ", rolled back");
      }
    }
  }

  /** The transaction and the settings of its session belong to the caller. */
  private void leavesTheSession(String name, TransactionContext tx, Stores.Operation operation)
      throws Exception {
    Connection connection = tx.unwrap(Connection.class);
    Map<String, String> before = kind().settings(connection);
    operation.run(tx);
    assertThat(SessionState.differences(before, kind().settings(connection))).as(name).isEmpty();
  }

  // --- operations of the stores in transactions of their own

  /** A call that borrows a connection. */
  @FunctionalInterface
  private interface Call {
    void run() throws Exception;
  }

  private Map<String, Call> calls() {
    Map<String, Call> all = new LinkedHashMap<>();
    all.put("JdbcDatabase.build", () -> JdbcDatabase.builder(pool).build());
    all.put("runner", () -> transactions.run(tx -> null));
    all.put(
        "requests by lease",
        () -> {
          RequestKey request = Stores.request(stores.next());
          Claim claim = stores.requests.claim(request, Duration.ofMinutes(1));
          stores.requests.claim(request, Duration.ofMinutes(1));
          stores.requests.remember(request, claim.token(), "step", "value");
          stores.requests.release(request, claim.token());
          long token = stores.requests.claim(request, Duration.ofMinutes(1)).token();
          stores.requests.complete(request, token, Stores.result());
          stores.requests.purge();
        });
    all.put("inbox", () -> stores.inbox.purge());
    all.put(
        "blocked keys",
        () -> {
          stores.blockedKeys.block("c", "k", 1);
          stores.blockedKeys.block("c", "k", 2);
          stores.blockedKeys.level("c", "k");
          stores.blockedKeys.list("c", 10);
          stores.blockedKeys.release("c", "k");
        });
    all.put(
        "outbox admin",
        () -> {
          stores.admin.parked(10);
          stores.admin.explain(1);
          stores.admin.redrive(1, "me", "why");
          stores.admin.redriveAll(ParkedFilter.all(), 10, "me", "why");
          stores.admin.redriveAtFront(1, "me", "why");
          stores.admin.discard(1, "me", "why");
          stores.admin.pause("queue:other", "me", "why");
          stores.admin.resume("queue:other", "me", "why");
          stores.admin.purgeArchive(LocalDate.EPOCH, 10);
          stores.admin.audit(10);
        });
    all.put("relay", this::relay);
    SagaEngine engine = stores.sagas;
    if (engine != null) {
      all.put("sagas", () -> sagas(engine));
    }
    return all;
  }

  private void relay() throws InterruptedException, SQLException {
    OutboxRelay relay = OutboxRelay.create(stores.outbox, stores.transport, stores.runtime);
    relay.start();
    try {
      transactions.<Void, SQLException>run(
          tx -> {
            stores.outbox.publish(tx, Stores.ORDERS, Stores.message(stores.next()));
            stores.outbox.publish(tx, Stores.NOWHERE, Stores.message(stores.next()));
            // Parked, since its destination can't be read.
            try (Statement spoil = tx.unwrap(Connection.class).createStatement()) {
              spoil.executeUpdate(
                  "UPDATE "
                      + stores.database.table("outbox_message")
                      + " SET destination = 'nowhere' WHERE destination = '"
                      + Stores.NOWHERE
                      + "'");
            }
            return null;
          });
      await("parked", () -> !stores.admin.parked(10).isEmpty());
      relay.measure();
      stores.admin.discard(stores.admin.parked(10).get(0).id(), "me", "why");
      assertThat(relay.drain(Duration.ofSeconds(10))).isTrue();
    } finally {
      relay.close();
    }
  }

  private void sagas(SagaEngine engine) throws Exception {
    engine.start();
    String id =
        transactions.run(
            tx -> engine.start(tx, stores.trips, "order-1", new Stores.Trip("order-1")));
    transactions.run(
        tx -> {
          try {
            return engine.replies().handle(stores.reply(tx, id));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
    await(
        "parked without an answer",
        () -> engine.find("trip", "order-1").orElseThrow().status() == SagaStatus.PARKED);
    engine.list(SagaStatus.PARKED, 10);
    engine.timeline(id);
    assertThat(engine.retry(id, "me", "why")).isTrue();
    engine.resolve(id, "me", "why");
    engine.cancel(id, "me", "why");
    engine.purge();
    engine.drain(Duration.ofSeconds(5));
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within 20 s: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  private void byEveryStoreInTransactionsOfItsOwn(Pool how) throws Exception {
    // One connection for all: borrowing a second one while using the first would block forever.
    useWithTables(how, 1);
    for (Map.Entry<String, Call> call : calls().entrySet()) {
      call.getValue().run();
      await("given back", () -> pool.lent() == 0);
      assertReturnedUnchanged(call.getKey());
    }
  }

  private void byANotifierThatListens(Pool how) throws Exception {
    useWithTables(how, 4);
    OutboxRelay relay = OutboxRelay.create(stores.outbox, stores.transport, stores.runtime);
    OutboxNotifier notifier = OutboxNotifier.create(stores.outbox, stores.runtime);
    relay.start();
    notifier.start();
    await("listening", () -> notifier.health().details().get("listening").equals("true"));
    transactions.run(
        tx -> {
          stores.outbox.publish(tx, Stores.ORDERS, Stores.message(stores.next()));
          return null;
        });
    await("told", () -> !notifier.health().details().get("sent").equals("0"));
    notifier.close();
    relay.drain(Duration.ofSeconds(10));
    relay.close();
    await("given back", () -> pool.lent() == 0);
    assertReturnedUnchanged("notifier");
  }

  // --- all borrowers

  @ParameterizedTest
  @EnumSource(Pool.class)
  void everyBorrowerReturnsItsConnectionUnchanged(Pool how) throws Exception {
    byEveryBindingWithEveryOperationInATransaction(how);
    Set<String> tried = new HashSet<>(pool.users());
    byEveryStoreInTransactionsOfItsOwn(how);
    tried.addAll(pool.users());
    if (kind() == SessionState.POSTGRESQL) {
      byANotifierThatListens(how);
      tried.addAll(pool.users());
    }
    assertThat(tried).containsAll(ConnectionBorrowers.on(kind()));
  }

  // --- failures

  private static final SQLException REFUSED = new SQLException("refused by the test", "40001");

  private interface Failing {
    void run(Connection connection) throws Exception;
  }

  private Throwable failing(TransactionRunner runner, Failing work) {
    return catchThrowable(
        () ->
            runner.<Void, Exception>run(
                tx -> {
                  Connection connection = tx.unwrap(Connection.class);
                  effect(connection, "effect-" + effects.incrementAndGet());
                  work.run(connection);
                  return null;
                }));
  }

  /** Checks that the pool is unchanged, nothing was committed and the next transaction commits. */
  private void assertRolledBack(String after, TransactionRunner runner) throws Exception {
    pool.failNothing();
    assertThat(Thread.currentThread().isInterrupted()).as(after).isFalse();
    assertReturnedUnchanged(after);
    int before = effects();
    assertThat(before).as("effects after " + after).isZero();
    runner.<Void, Exception>run(
        tx -> {
          effect(tx.unwrap(Connection.class), "next");
          return null;
        });
    assertThat(effects()).as("only the next one's, after " + after).isEqualTo(1);
    assertReturnedUnchanged("the next one after " + after);
    execute("DELETE FROM " + database.table("effect"));
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterAnyFailureOfTheWork(Pool how) throws Exception {
    use(how, 1);
    JdbcTransactionRunner runner = transactions;
    List<Throwable> failures =
        List.of(
            new Exception("checked"),
            new IllegalStateException("unchecked"),
            new AssertionError("error"),
            new StackOverflowError(),
            new OutOfMemoryError("for the test"),
            new NoClassDefFoundError("gone"));
    for (Throwable failure : failures) {
      Throwable thrown =
          failing(
              runner,
              connection -> {
                if (failure instanceof Error error) {
                  throw error;
                }
                throw (Exception) failure;
              });
      assertThat(thrown).isSameAs(failure);
      assertThat(pool.destroyed()).isZero();
      assertRolledBack(failure.toString(), runner);
    }
    runner.<Void, Exception>run(
        tx -> {
          effect(tx.unwrap(Connection.class), "marked");
          tx.setRollbackOnly();
          return null;
        });
    assertRolledBack("a mark", runner);
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterAFailedCommitOrRollback(Pool how) throws Exception {
    use(how, 1);
    JdbcTransactionRunner runner = transactions;
    for (Throwable failure : List.of(REFUSED, new IllegalStateException(), new LinkageError())) {
      assertThat(failing(runner, connection -> pool.failNext("commit", failure))).isNotNull();
      assertThat(pool.destroyed()).as("can be rolled back").isZero();
      assertRolledBack("a commit that fails with " + failure, runner);
    }
    int destroyed = 0;
    for (Throwable failure : List.of(REFUSED, new IllegalStateException(), new LinkageError())) {
      Throwable thrown =
          failing(
              runner,
              connection -> {
                pool.failNext("rollback", failure);
                throw new UnsupportedOperationException("the work");
              });
      assertThat(thrown).isInstanceOf(UnsupportedOperationException.class);
      assertThat(pool.destroyed())
          .as("an open connection is not supplied again")
          .isEqualTo(++destroyed);
      assertRolledBack("a rollback that fails with " + failure, runner);
    }
    for (String method : List.of("close", "abort")) {
      failing(
          runner,
          connection -> {
            pool.failNext("rollback", REFUSED);
            pool.failNext(method, new IllegalStateException(method));
            throw new UnsupportedOperationException("the work");
          });
      assertRolledBack("a " + method + " that fails", runner);
    }
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterAConnectionThatCannotBePreparedOrRestored(Pool how) throws Exception {
    use(how, 1);
    JdbcTransactionRunner runner = transactions;
    boolean usual = how == Pool.USUAL;
    // Only PostgreSQL has a statement that sets the isolation of a transaction that has begun.
    boolean setsForSession = !usual && kind() != SessionState.POSTGRESQL;
    List<String> steps = new ArrayList<>(List.of("getAutoCommit"));
    steps.add(usual ? "setAutoCommit" : "rollback");
    if (setsForSession) {
      steps.addAll(List.of("getTransactionIsolation", "setTransactionIsolation"));
    } else if (!usual) {
      steps.add("createStatement");
    }
    for (String step : steps) {
      for (Throwable failure : List.of(REFUSED, new IllegalStateException())) {
        pool.failNext(step, failure);
        assertThat(failing(runner, connection -> {})).as(step).isNotNull();
        assertRolledBack(step + " that fails with " + failure, runner);
      }
    }
    if (!usual && !setsForSession) {
      // Nothing is restored.
      return;
    }
    int destroyed = pool.destroyed();
    String restores = usual ? "setAutoCommit" : "setTransactionIsolation";
    assertThat(failing(runner, connection -> pool.failNext(restores, REFUSED)))
        .as("it was committed")
        .isNull();
    assertThat(effects()).isEqualTo(1);
    execute("DELETE FROM " + database.table("effect"));
    assertThat(pool.destroyed()).isEqualTo(destroyed + 1);
    assertRolledBack("a connection that can't be put back", runner);
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterABrokenConnection(Pool how) throws Exception {
    use(how, 1);
    JdbcTransactionRunner runner = transactions;
    assertThat(
            failing(
                runner,
                connection -> {
                  pool.breakAll();
                  effect(connection, "lost");
                }))
        .isInstanceOf(StoreException.class);
    assertRolledBack("a connection that breaks", runner);
    assertThat(failing(runner, connection -> pool.breakAll())).isInstanceOf(StoreException.class);
    assertRolledBack("a connection that breaks before the commit", runner);
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterAnInterrupt(Pool how) throws Exception {
    use(how, 1);
    assertThat(
            failing(
                transactions,
                connection -> {
                  Thread.currentThread().interrupt();
                  throw new UnsupportedOperationException("interrupted");
                }))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(Thread.interrupted()).as("not swallowed").isTrue();
    assertRolledBack("an interrupt", transactions);
  }

  @ParameterizedTest
  @EnumSource(Pool.class)
  void afterFailedSingleStatements(Pool how) throws Exception {
    use(how, 1);
    SingleStatements singles = SingleStatements.readingCommittedOn(database);
    List<Throwable> failures =
        List.of(REFUSED, new IllegalStateException(), new AssertionError(), new LinkageError());
    for (Throwable failure : failures) {
      Throwable thrown =
          catchThrowable(
              () ->
                  singles.run(
                      "test",
                      connection -> {
                        assertThat(connection.getAutoCommit()).isTrue();
                        if (failure instanceof SQLException sql) {
                          throw sql;
                        }
                        if (failure instanceof Error error) {
                          throw error;
                        }
                        throw (RuntimeException) failure;
                      }));
      assertThat(thrown).isSameAs(failure);
      assertRolledBack("single statements that fail with " + failure, transactions);
    }
    if (how == Pool.UNUSUAL) {
      int destroyed = pool.destroyed();
      int answer =
          singles.run(
              "test",
              connection -> {
                pool.failNext("setAutoCommit", REFUSED);
                return 7;
              });
      assertThat(answer).as("it was done").isEqualTo(7);
      assertThat(pool.destroyed()).isEqualTo(destroyed + 1);
      assertRolledBack("single statements whose connection can't be put back", transactions);
    }
  }

  // --- connections that are supplied dirty

  @Test
  void aTransactionLeftOpenByAnEarlierUserIsRolledBackAndNotCommitted() throws Exception {
    use(Pool.UNUSUAL, 1);
    List<Call> borrowers =
        List.of(
            () ->
                transactions.<Void, Exception>run(
                    tx -> {
                      effect(tx.unwrap(Connection.class), "own");
                      return null;
                    }),
            () ->
                SingleStatements.on(database)
                    .run(
                        "test",
                        connection -> {
                          effect(connection, "own");
                          return null;
                        }),
            () -> {
              JdbcDatabase.builder(pool).build();
              execute("INSERT INTO " + database.table("effect") + " VALUES ('own')");
            });
    for (Call borrower : borrowers) {
      pool.getConnection().close();
      pool.inEach(connection -> effect(connection, "left over"));
      pool.differences().clear();
      borrower.run();
      assertThat(pool.differences())
          .as("nothing but the transaction that was left open")
          .allMatch(each -> each.matches("(uncommitted|locks|server|transactions): .*"));
      pool.differences().clear();
      assertThat(effects()).isEqualTo(1);
      execute("DELETE FROM " + database.table("effect"));
      pool.closeIdle();
    }
  }

  @Test
  void aConnectionInATransactionIsRefusedAndLeftAlone() throws Exception {
    pool.getConnection().close();
    pool.inEach(
        connection -> {
          connection.setAutoCommit(false);
          effect(connection, "owner");
        });
    List<Call> borrowers =
        List.of(
            () -> transactions.run(tx -> null),
            () -> SingleStatements.on(database).run("test", connection -> null));
    for (Call borrower : borrowers) {
      assertThatThrownBy(borrower::run)
          .isInstanceOf(StoreException.class)
          .hasMessage(
              "COMMS-JDBC-014: autoCommit: false (expected: true, as when the data source was first"
                  + " asked; a connection on which a transaction runs must not be used)");
      assertReturnedUnchanged("a refusal");
    }
    pool.inEach(Connection::commit);
    assertThat(effects()).as("neither rolled back nor committed by another").isEqualTo(1);
  }

  @Test
  void aReadOnlyConnectionIsRefusedWhereItIsKnownAndReturnedReadOnly() throws Exception {
    if (kind() == SessionState.H2) {
      // H2's connections have no such mode; a read-only database is refused as well.
      return;
    }
    useWithTables(Pool.USUAL, 1);
    pool.inEach(connection -> connection.setReadOnly(true));
    assertThatThrownBy(() -> JdbcDatabase.builder(pool).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("readOnly: true (expected: false, for the pool's connections)");
    assertThatThrownBy(
            () ->
                transactions.<Void, StoreException>run(
                    tx -> {
                      stores.outbox.publish(tx, Stores.ORDERS, Stores.message(stores.next()));
                      return null;
                    }))
        .isInstanceOf(StoreException.class)
        .hasMessageMatching("COMMS-JDBC-008: outbox .*: database unavailable, state \\w+");
    assertReturnedUnchanged("a read-only connection");
    pool.inEach(connection -> assertThat(connection.isReadOnly()).isTrue());
  }
}
