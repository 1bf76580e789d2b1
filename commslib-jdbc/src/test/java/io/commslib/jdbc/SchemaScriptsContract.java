package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What versioned schema scripts must do; run on each database. */
public abstract class SchemaScriptsContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();
  private static final SchemaScripts FIRST =
      SchemaScripts.of("sample", 1, SchemaScriptsContract.class);
  private static final SchemaScripts SECOND =
      SchemaScripts.of("sample", 2, SchemaScriptsContract.class);

  private JdbcDatabase database;

  /** Returns the database under test. */
  protected abstract DataSource dataSource();

  @BeforeEach
  void freshSchema() {
    database =
        JdbcDatabase.builder(dataSource()).schema("Scripts_" + SCHEMAS.incrementAndGet()).build();
  }

  @Test
  void namesAMissingSchemaAndWhatToDo() {
    mismatch(FIRST, "COMMS-JDBC-010", "missing", "version 1; run SchemaScripts.apply");
  }

  @Test
  void appliesWhatIsMissingAndRepeatingChangesNothing() {
    FIRST.apply(database);
    FIRST.apply(database);
    FIRST.check(database);
    mismatch(SECOND, "COMMS-JDBC-011", "version 1 (expected: version 2", "SchemaScripts.apply");
    SECOND.apply(database);
    SECOND.check(database);
    assertThat(versions()).isEqualTo(2);
    assertThat(
            TestDatabases.number(
                dataSource(), "SELECT count(name) FROM " + database.table("sample")))
        .isZero();
  }

  @Test
  void refusesATableThatIsNewerThanTheModule() {
    SECOND.apply(database);
    mismatch(
        FIRST, "COMMS-JDBC-012", "version 2 (expected: version 1", "use a newer commslib-sample");
    assertThatThrownBy(() -> FIRST.apply(database)).hasMessageContaining("COMMS-JDBC-012");
  }

  @Test
  void severalProcessesMayApplyAtOnce() throws Exception {
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
                  SECOND.apply(database);
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
    TestDatabases.execute(dataSource(), text.split(";\n"));
    SECOND.check(database);
    assertThatCode(() -> SECOND.apply(database)).doesNotThrowAnyException();
  }

  @Test
  void saysWhichScriptIsNotOnTheClassPath() {
    SchemaScripts third = SchemaScripts.of("sample", 3, SchemaScriptsContract.class);
    assertThatIllegalStateException()
        .isThrownBy(() -> third.apply(database))
        .withMessageContaining("-3.sql (expected: beside " + SchemaScriptsContract.class.getName());
  }

  private void mismatch(SchemaScripts scripts, String code, String... parts) {
    assertThatThrownBy(() -> scripts.check(database))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT);
            })
        .hasMessageContainingAll(parts);
  }

  private int versions() {
    return TestDatabases.number(
        dataSource(), "SELECT count(*) FROM " + database.table("commslib_schema"));
  }
}
