package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Contract of versioned schema scripts; run on each database. Version 2 is compatible from 1,
 * version 3 from 2.
 */
public abstract class SchemaScriptsContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();
  private static final SchemaScripts FIRST =
      SchemaScripts.of("sample", 1, SchemaScriptsContract.class);
  private static final SchemaScripts SECOND =
      SchemaScripts.of("sample", 2, SchemaScriptsContract.class);
  private static final SchemaScripts THIRD =
      SchemaScripts.of("sample", 3, SchemaScriptsContract.class);

  private String schema;
  private JdbcDatabase database;

  /** Returns the database under test. */
  protected abstract DataSource dataSource();

  @BeforeEach
  void freshSchema() {
    schema = "Scripts_" + SCHEMAS.incrementAndGet();
    database = JdbcDatabase.builder(dataSource()).schema(schema).build();
  }

  private JdbcDatabase on(DataSource source) {
    return JdbcDatabase.builder(source).schema(schema).build();
  }

  @Test
  void namesAMissingSchemaAndWhatToDo() {
    mismatch(
        FIRST,
        "COMMS-JDBC-010: schema of sample in ",
        ": missing (expected: version 1; run SchemaScripts.apply, or the SQL of print(database, 0,"
            + " 1), before this process)");
  }

  @Test
  void appliesWhatIsMissingAndRepeatingChangesNothing() {
    FIRST.apply(database);
    FIRST.apply(database);
    FIRST.check(database);
    mismatch(
        SECOND,
        "COMMS-JDBC-011: schema of sample in ",
        ": version 1 (expected: version 2; run SchemaScripts.apply, or the SQL of"
            + " print(database, 1, 2), before this process)");
    SECOND.apply(database);
    SECOND.check(database);
    assertThat(versions()).isEqualTo(2);
    assertThat(
            TestDatabases.number(
                dataSource(), "SELECT count(*) FROM " + database.table("sample_note")))
        .isZero();
  }

  @Test
  void anOlderProcessWorksWithNewerTablesThatAreCompatible() {
    SECOND.apply(database);
    FIRST.check(database);
    FIRST.apply(database);
    assertThat(versions()).isEqualTo(2);
    SECOND.check(database);
  }

  @Test
  void refusesNewerTablesThatAreNotCompatible() {
    THIRD.apply(database);
    String[] parts = {
      "COMMS-JDBC-012: schema of sample in ",
      ": version 3, for processes of version 2 and newer (expected: for version 1, as this process"
          + " is; start a newer release of the library instead)"
    };
    mismatch(FIRST, parts);
    assertThatThrownBy(() -> FIRST.apply(database)).hasMessageContainingAll(parts);
    SECOND.check(database);
    SECOND.apply(database);
    assertThat(versions()).isEqualTo(3);
  }

  @Test
  void severalProcessesMayApplyAtOnce() throws Exception {
    applyByEight(database);
  }

  @Test
  void severalProcessesMayApplyAtOnceInIsolationThatSeesNoCommitsOfOthers() throws Exception {
    HikariDataSource like = (HikariDataSource) dataSource();
    try (HikariDataSource strict =
        TestDatabases.pool(
            like.getJdbcUrl(),
            like.getUsername(),
            like.getPassword(),
            config -> {
              config.setTransactionIsolation("TRANSACTION_REPEATABLE_READ");
              config.setAutoCommit(false);
            })) {
      applyByEight(on(strict));
    }
  }

  private void applyByEight(JdbcDatabase shared) throws Exception {
    int processes = 8;
    ExecutorService workers = Executors.newFixedThreadPool(processes);
    try {
      CountDownLatch start = new CountDownLatch(1);
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < processes; i++) {
        all.add(
            workers.submit(
                () -> {
                  start.await();
                  SECOND.apply(shared);
                  return null;
                }));
      }
      start.countDown();
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      workers.shutdownNow();
    }
    SECOND.check(database);
    assertThat(versions()).isEqualTo(2);
  }

  @Test
  void whatItPrintsMakesASchemaThatPassesTheCheck() {
    String text = SECOND.print(database);
    assertThat(text)
        .isEqualTo(SECOND.print(database, 0, 2))
        .isEqualTo(SECOND.print(database.dialect(), schema, 0, 2));
    TestDatabases.execute(dataSource(), text.split(";\n"));
    SECOND.check(database);
    assertThatCode(() -> SECOND.apply(database)).doesNotThrowAnyException();
  }

  @Test
  void whatItPrintsOfOneStepMakesThatStep() {
    FIRST.apply(database);
    TestDatabases.execute(dataSource(), THIRD.print(database, 1, 2).split(";\n"));
    SECOND.check(database);
    TestDatabases.execute(dataSource(), THIRD.print(database, 2, 3).split(";\n"));
    THIRD.check(database);
    mismatch(FIRST, "COMMS-JDBC-012", "version 3");
  }

  @Test
  void namesAScriptThatIsNotOnTheClassPathBeforeItChangesAnything() {
    SchemaScripts fourth = SchemaScripts.of("sample", 4, SchemaScriptsContract.class);
    assertThatIllegalStateException()
        .isThrownBy(() -> fourth.apply(database))
        .withMessageContaining("-4.sql (expected: beside " + SchemaScriptsContract.class.getName());
    mismatch(FIRST, "COMMS-JDBC-010", "missing");
  }

  @Test
  void changesNothingAndLocksNothingWhereNothingIsMissing() {
    SECOND.apply(database);
    try (NonResettingPool pool = new NonResettingPool(dataSource(), true)) {
      JdbcDatabase shared = on(pool);
      pool.executed.clear();
      SECOND.apply(shared);
      FIRST.apply(shared);
      assertThat(pool.executed).hasSize(2).allMatch(sql -> sql.startsWith("SELECT version"));
      pool.executed.clear();
      THIRD.apply(shared);
      assertThat(pool.executed).noneMatch(sql -> sql.contains("CREATE SCHEMA"));
    }
  }

  /** Fails each statement in turn: the settings of the session, the lock, the changes, the rows. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void returnsConnectionsUnchangedAndContinuesAfterAFailureAtAnyStatement(boolean autoCommit)
      throws SQLException {
    try (NonResettingPool pool = new NonResettingPool(dataSource(), autoCommit)) {
      on(pool);
      List<Object> asItCame = state(pool.connections().get(0));
      Set<String> failed = new HashSet<>();
      for (int failing = 1; ; failing++) {
        freshSchema();
        JdbcDatabase shared = on(pool);
        AtomicInteger countdown = new AtomicInteger(failing);
        pool.failing =
            sql -> {
              boolean fail = countdown.decrementAndGet() == 0;
              if (fail) {
                failed.add(sql.split(" ")[0]);
              }
              return fail;
            };
        if (!fails(() -> SECOND.apply(shared))) {
          break;
        }
        pool.failing = sql -> false;
        assertThat(pool.connections())
            .allSatisfy(connection -> assertThat(state(connection)).isEqualTo(asItCame));
        assertThat(fails(() -> SECOND.check(shared))).isTrue();
        // Another process applies the scripts; a lock left behind would block it.
        SECOND.apply(database, attempts -> false);
        SECOND.check(database);
      }
      assertThat(failed).contains("SET", "SELECT", "CREATE", "INSERT", "commit");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void returnsConnectionsUnchanged(boolean autoCommit) throws SQLException {
    try (NonResettingPool pool = new NonResettingPool(dataSource(), autoCommit)) {
      JdbcDatabase shared = on(pool);
      List<Object> asItCame = state(pool.connections().get(0));
      assertThat(fails(() -> FIRST.check(shared))).isTrue();
      THIRD.apply(shared);
      THIRD.check(shared);
      assertThat(fails(() -> FIRST.check(shared))).isTrue();
      assertThat(fails(() -> FIRST.apply(shared))).isTrue();
      assertThat(pool.connections())
          .allSatisfy(connection -> assertThat(state(connection)).isEqualTo(asItCame));
      // A transaction left open would block this one.
      TestDatabases.execute(dataSource(), "DROP TABLE " + database.table("commslib_schema"));
    }
  }

  private static boolean fails(Runnable work) {
    try {
      work.run();
      return false;
    } catch (StoreException e) {
      return true;
    }
  }

  private List<Object> state(Connection connection) throws SQLException {
    List<Object> state = new ArrayList<>();
    state.add(connection.getAutoCommit());
    state.add(connection.getTransactionIsolation());
    state.add(connection.isReadOnly());
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                switch (database.dialect()) {
                  case POSTGRESQL ->
                      "SELECT current_setting('lock_timeout'), count(*) FROM pg_locks"
                          + " WHERE pid = pg_backend_pid() AND locktype = 'advisory'";
                  case H2 -> "SELECT LOCK_TIMEOUT(), 0";
                  default ->
                      "SELECT concat(@@lock_wait_timeout, ' ', @@innodb_lock_wait_timeout),"
                          + " coalesce(is_used_lock('commslib_schema'), 0)";
                })) {
      row.next();
      state.add(row.getString(1));
      state.add(row.getInt(2));
    }
    if (!connection.getAutoCommit()) {
      connection.rollback();
    }
    return state;
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aChangeBlockedByALongTransactionLetsOthersPassAndRetries() throws Exception {
    FIRST.apply(database);
    AtomicInteger written = new AtomicInteger();
    try (Writer writer = new Writer(written);
        Connection longOne = dataSource().getConnection()) {
      longOne.setAutoCommit(false);
      insert(longOne, -1);
      SECOND.apply(
          database,
          attempts -> {
            writer.awaitMore();
            if (attempts == 2) {
              rollBack(longOne);
            }
            return attempts < 10;
          });
      writer.awaitMore();
      // A statement waits behind a waiting change, but no longer than the limit of that change.
      assertThat(writer.slowestMillis.get()).isLessThan(8_000);
      longOne.setAutoCommit(true);
    }
    SECOND.check(database);
    assertThat(
            TestDatabases.number(dataSource(), "SELECT count(*) FROM " + database.table("sample")))
        .isEqualTo(written.get());
  }

  @Test
  void failsWithACodeWhereATableStaysInUse() throws Exception {
    FIRST.apply(database);
    try (Connection longOne = dataSource().getConnection()) {
      longOne.setAutoCommit(false);
      insert(longOne, -1);
      assertThatThrownBy(() -> SECOND.apply(database, attempts -> false))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION))
          .hasMessageContainingAll(
              "COMMS-JDBC-013: schema of sample in ",
              ": a table stayed in use, attempts: 1 (expected: only short transactions on it; end"
                  + " the long one, then run SchemaScripts.apply again)")
          .hasCauseInstanceOf(SQLException.class);
      rollBack(longOne);
      longOne.setAutoCommit(true);
    }
    SECOND.apply(database);
    SECOND.check(database);
  }

  @Test
  void waitsForAnotherProcessForALimitedTime() throws Exception {
    try (SchemaLock first = SchemaLock.take(database, "first", 1)) {
      assertThat(first.connection().getAutoCommit()).isFalse();
      assertThatThrownBy(() -> SchemaLock.take(database, "second", 1))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION))
          .hasMessage(
              "COMMS-JDBC-013: second: another process has been changing tables for 1 s (expected:"
                  + " that it ends; wait, then run SchemaScripts.apply again)");
    }
    SchemaLock.take(database, "third", 1).close();
  }

  private void insert(Connection connection, int id) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO " + database.table("sample") + " (id) VALUES (" + id + ")");
    }
  }

  private static void rollBack(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** The first part is the beginning. */
  private void mismatch(SchemaScripts scripts, String... parts) {
    assertThatThrownBy(() -> scripts.check(database))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
        .hasMessageStartingWith(parts[0])
        .hasMessageContainingAll(parts);
  }

  private int versions() {
    return TestDatabases.number(
        dataSource(), "SELECT count(*) FROM " + database.table("commslib_schema"));
  }

  /** A process of version 1 that writes rows continuously. */
  private final class Writer implements AutoCloseable {

    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final AtomicInteger written;
    private final AtomicInteger slowestMillis = new AtomicInteger();
    private final Future<?> work;
    private volatile boolean stopped;

    Writer(AtomicInteger written) {
      this.written = written;
      work = thread.submit(this::write);
    }

    private Void write() throws SQLException {
      while (!stopped) {
        long start = System.nanoTime();
        try (Connection connection = dataSource().getConnection()) {
          insert(connection, written.get());
        }
        int millis = (int) TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        slowestMillis.accumulateAndGet(millis, Math::max);
        written.incrementAndGet();
      }
      return null;
    }

    /** Waits until it has written three more rows; one may have waited behind the change. */
    void awaitMore() {
      int before = written.get();
      while (written.get() < before + 3 && !work.isDone()) {
        Thread.onSpinWait();
      }
    }

    @Override
    public void close() throws Exception {
      stopped = true;
      thread.shutdown();
      work.get();
    }
  }
}
