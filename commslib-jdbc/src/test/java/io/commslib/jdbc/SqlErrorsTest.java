package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import io.commslib.core.WrongSessionException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SqlErrorsTest {

  /**
   * State, vendor code and condition, and the kind of the same failure during commit if it differs.
   */
  private static final List<String> TABLE =
      List.of(
          // Lost or refused connections.
          "08000, 0, LOST, UNKNOWN_RESULT",
          "08001, 0, LOST, UNKNOWN_RESULT",
          "08003, 0, LOST, UNKNOWN_RESULT",
          "08006, 0, LOST, UNKNOWN_RESULT",
          "08S01, 0, LOST, UNKNOWN_RESULT",
          "57P01, 0, LOST, UNKNOWN_RESULT",
          "57P02, 0, LOST, UNKNOWN_RESULT",
          "57P03, 0, LOST, UNKNOWN_RESULT",
          "57P05, 0, LOST, UNKNOWN_RESULT",
          "25P03, 0, LOST, UNKNOWN_RESULT",
          "25P04, 0, LOST, UNKNOWN_RESULT",
          "53300, 0, LOST, UNKNOWN_RESULT",
          "70100, 1927, LOST, UNKNOWN_RESULT",
          "90007, 90007, LOST, UNKNOWN_RESULT",
          "90020, 90020, LOST, UNKNOWN_RESULT",
          "90028, 90028, LOST, UNKNOWN_RESULT",
          "90030, 90030, LOST, UNKNOWN_RESULT",
          "90031, 90031, LOST, UNKNOWN_RESULT",
          "90067, 90067, LOST, UNKNOWN_RESULT",
          "90098, 90098, LOST, UNKNOWN_RESULT",
          "90121, 90121, LOST, UNKNOWN_RESULT",
          "90135, 90135, LOST, UNKNOWN_RESULT",
          // The server is unavailable.
          "57014, 0, UNAVAILABLE",
          "57000, 0, UNAVAILABLE",
          "53100, 0, UNAVAILABLE",
          "53200, 0, UNAVAILABLE",
          "53400, 0, UNAVAILABLE",
          "55000, 0, UNAVAILABLE",
          "55006, 0, UNAVAILABLE",
          "58030, 0, UNAVAILABLE",
          "F0000, 0, UNAVAILABLE",
          "XX000, 0, UNAVAILABLE",
          "25006, 0, UNAVAILABLE",
          "HY008, 57014, UNAVAILABLE",
          "90097, 90097, UNAVAILABLE",
          "90108, 90108, UNAVAILABLE",
          "HY000, 3, UNAVAILABLE",
          "HY000, 1021, UNAVAILABLE",
          "HY000, 1026, UNAVAILABLE",
          "HY000, 1030, UNAVAILABLE",
          "HY000, 1037, UNAVAILABLE",
          "HY000, 1038, UNAVAILABLE",
          "HY000, 1114, UNAVAILABLE",
          "42000, 1203, UNAVAILABLE",
          "42000, 1226, UNAVAILABLE",
          "HY000, 1290, UNAVAILABLE",
          "70100, 1317, UNAVAILABLE",
          "HY000, 1836, UNAVAILABLE",
          "70100, 1969, UNAVAILABLE",
          "HY000, 3024, UNAVAILABLE",
          // Only an operator can correct it.
          "0A000, 0, SETUP",
          "0LP01, 0, SETUP",
          "0P000, 0, SETUP",
          "28000, 0, SETUP",
          "28000, 1045, SETUP",
          "28P01, 0, SETUP",
          "3D000, 0, SETUP",
          "3F000, 0, SETUP",
          "42000, 1044, SETUP",
          "42000, 1049, SETUP",
          "42000, 1064, SETUP",
          "42000, 1142, SETUP",
          "42501, 0, SETUP",
          "42601, 0, SETUP",
          "42703, 0, SETUP",
          "42P01, 0, SETUP",
          "42S02, 1146, SETUP",
          "42S02, 42102, SETUP",
          "42S22, 1054, SETUP",
          "HYC00, 50100, SETUP",
          "90013, 90013, SETUP",
          "90040, 90040, SETUP",
          "90079, 90079, SETUP",
          "90096, 90096, SETUP",
          "90146, 90146, SETUP",
          // A pooler has exchanged the session.
          "26000, 0, WRONG_SESSION",
          "42P05, 0, WRONG_SESSION",
          // Another transaction won.
          "40001, 0, CONTENTION",
          "40001, 1213, CONTENTION",
          "40003, 0, CONTENTION, UNKNOWN_RESULT",
          "40P01, 0, CONTENTION",
          "55P03, 0, CONTENTION",
          "90131, 90131, CONTENTION",
          "HYT00, 50200, CONTENTION",
          "HY000, 1020, CONTENTION",
          "HY000, 1205, CONTENTION",
          "HY000, 1206, CONTENTION",
          "HY000, 3572, CONTENTION",
          // Proved: the same statement will fail again.
          "21000, 0, REFUSED",
          "22001, 0, REFUSED",
          "22001, 1406, REFUSED",
          "22003, 0, REFUSED",
          "22021, 0, REFUSED",
          "22P02, 0, REFUSED",
          "23502, 0, REFUSED",
          "23503, 0, REFUSED",
          "23505, 0, REFUSED",
          "23000, 1062, REFUSED",
          "44000, 0, REFUSED",
          "54000, 0, REFUSED",
          "08S01, 1153, REFUSED",
          "42000, 1118, REFUSED",
          "01000, 1265, REFUSED",
          "HY000, 1300, REFUSED",
          "HY000, 1364, REFUSED",
          "HY000, 1366, REFUSED",
          "HY000, 3819, REFUSED",
          // Unknown, or the work had failed before: a failed attempt.
          ", 0, UNKNOWN",
          "25P02, 0, UNKNOWN",
          "45000, 1644, UNKNOWN",
          "99999, 0, UNKNOWN",
          "HY000, 0, UNKNOWN",
          "HY000, 50000, UNKNOWN",
          "P0001, 0, UNKNOWN");

  record Row(SQLException failure, SqlCondition condition, FailureKind duringCommit) {}

  static List<Row> table() {
    return TABLE.stream().map(SqlErrorsTest::row).toList();
  }

  private static Row row(String line) {
    String[] cells = line.split(", ?", -1);
    SqlCondition condition = SqlCondition.valueOf(cells[2]);
    return new Row(
        new SQLException(
            "driver text", cells[0].isEmpty() ? null : cells[0], Integer.parseInt(cells[1])),
        condition,
        cells.length > 3 ? FailureKind.valueOf(cells[3]) : condition.kind());
  }

  @ParameterizedTest
  @MethodSource("table")
  void classifiesByStateOnce(Row row) {
    StoreException translated = SqlErrors.translate("insert", row.failure());
    assertThat(SqlCondition.of(row.failure())).isEqualTo(row.condition());
    assertThat(translated.code()).isEqualTo(row.condition().code());
    assertThat(translated.kind()).isEqualTo(row.condition().kind());
    assertThat(SqlErrors.translateSingle("insert", row.failure()).kind())
        .isEqualTo(row.duringCommit());
    // A refusal at commit depends on other rows, so it proves nothing.
    assertThat(SqlErrors.translateCommit(row.failure()).kind())
        .isEqualTo(
            row.condition() == SqlCondition.REFUSED ? FailureKind.CONTENTION : row.duringCommit());
  }

  @ParameterizedTest
  @MethodSource("table")
  void aFailureToConnectIsAlwaysAnOutage(Row row) {
    assertThat(SqlErrors.translateConnect("begin", row.failure()).kind())
        .isEqualTo(FailureKind.TRANSIENT);
  }

  @Test
  void everyVendorCodeAndClassOfTheCodeHasARow() throws IllegalAccessException {
    Set<String> missing = new TreeSet<>();
    for (Field field : SqlCondition.class.getDeclaredFields()) {
      field.setAccessible(true);
      if (field.getName().equals("H2_POOL_TIMEOUT") || field.getName().equals("MAX_DEPTH")) {
        continue;
      }
      if (field.getType() == int.class) {
        addIfMissing(field.get(null), missing);
      } else if (field.getType() == Set.class && !field.getName().equals("PACKET_TOO_LARGE")) {
        ((Collection<?>) field.get(null)).forEach(each -> addIfMissing(each, missing));
      }
    }
    assertThat(missing).as("in the code, not in the table").isEmpty();
    assertThat(table()).extracting(Row::condition).contains(everyConditionOfStates());
  }

  private static SqlCondition[] everyConditionOfStates() {
    return Arrays.stream(SqlCondition.values())
        .filter(condition -> condition != SqlCondition.POOL_EXHAUSTED)
        .toArray(SqlCondition[]::new);
  }

  private static void addIfMissing(Object inCode, Set<String> missing) {
    boolean there =
        inCode instanceof Integer code
            ? table().stream().anyMatch(row -> row.failure().getErrorCode() == code)
            : TABLE.stream().anyMatch(line -> line.startsWith(inCode.toString()));
    if (!there) {
      missing.add(inCode.toString());
    }
  }

  @Test
  void aWrongSessionNamesTheDriversSettingAndPromisesThatNothingWasCommitted() {
    SQLException missing = new SQLException("prepared statement \"S_1\" does not exist", "26000");
    assertThat(SqlErrors.translate("insert", missing))
        .isInstanceOf(WrongSessionException.class)
        .hasMessage(
            "COMMS-JDBC-018: insert: prepared statement of another session, state 26000 (expected:"
                + " prepareThreshold=0 in the JDBC URL, behind a pooler that shares sessions)");
    SQLException other =
        new SQLException(
            "bind message supplies 1 parameters, but prepared statement « S_12 » requires 0",
            "08P01");
    for (StoreException each :
        List.of(
            SqlErrors.translate("insert", other),
            SqlErrors.translateCommit(other),
            SqlErrors.translateSingle("insert", other),
            SqlErrors.translateConnect("begin", other))) {
      assertThat(each.code()).isEqualTo("COMMS-JDBC-018");
      assertThat(each.kind()).isEqualTo(FailureKind.TRANSIENT);
    }
    SQLException pooler = new SQLException("pgbouncer cannot connect to server", "08P01");
    assertThat(SqlErrors.translate("insert", pooler).code()).isEqualTo("COMMS-JDBC-001");
  }

  @Test
  void anExhaustedPoolIsNamed() {
    List<SQLException> exhausted =
        List.of(
            new SQLTransientConnectionException(
                "HikariPool-1 - Connection is not available, request timed out after 250ms"),
            new SQLException(
                "Cannot get a connection, pool error Timeout waiting for idle object",
                new NoSuchElementException("Timeout waiting for idle object")),
            new PoolExhaustedException("[main] Timeout: Pool empty."),
            new SQLException("Login timeout", "08001", 8001));
    assertThat(exhausted)
        .allSatisfy(
            failure -> {
              assertThat(SqlErrors.isConnectionLost(failure)).isTrue();
              assertThat(SqlErrors.translateConnect("begin", failure))
                  .hasMessage(
                      "COMMS-JDBC-015: begin: pool exhausted: no free connection in time (expected:"
                          + " a pool with as many connections as transactions run at the same"
                          + " time, and no leak: check its maximum, as maximumPoolSize of HikariCP,"
                          + " maxTotal of"
                          + " DBCP2, maxActive of Tomcat, setMaxConnections of H2)")
                  .satisfies(e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT));
            });
  }

  /** Tomcat's has this name. */
  @SuppressWarnings("serial")
  private static final class PoolExhaustedException extends SQLException {
    PoolExhaustedException(String message) {
      super(message);
    }
  }

  @Test
  void aPoolThatCouldNotConnectNamesTheReason() {
    String text = "HikariPool-1 - Connection is not available, request timed out after 250ms";
    assertThat(
            SqlErrors.translateConnect(
                "begin",
                new SQLTransientConnectionException(
                    text, null, new SQLNonTransientConnectionException("refused", "08001"))))
        .hasMessage("COMMS-JDBC-001: begin: database not reachable");
    assertThat(
            SqlErrors.translateConnect(
                "begin",
                new SQLTransientConnectionException(
                    text, "28P01", new SQLException("password authentication failed", "28P01"))))
        .hasMessage(
            "COMMS-JDBC-009: begin: the database's setup is wrong, state 28P01, password"
                + " authentication failed (expected: the tables, privileges, user and pooler that"
                + " the library needs)");
  }

  @Test
  void aStatementTooLongForTheServerIsRefused() {
    SQLException failure =
        new SQLNonTransientConnectionException(
            "too long", "08000", 0, new MaxAllowedPacketException());
    assertThat(SqlErrors.translate("insert", failure).kind()).isEqualTo(FailureKind.PERMANENT);
    assertThat(SqlErrors.isConnectionLost(failure)).isFalse();
  }

  /** MariaDB's driver has one of this name. */
  @SuppressWarnings("serial")
  private static final class MaxAllowedPacketException extends IOException {}

  @Test
  void keepsTheDriversFailureAndOnlyTheFirstLineOfItsText() {
    SQLException failure =
        new SQLException("value too long\n  Detail: payload of a customer", "22001");
    StoreException translated = SqlErrors.translate("outbox insert", failure);
    assertThat(translated).hasMessage("COMMS-JDBC-003: outbox insert: state 22001, value too long");
    assertThat(stackTrace(translated)).doesNotContain("customer");
  }

  private static String stackTrace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** Failures in which the drivers of PostgreSQL, MariaDB and H2 quote their input. */
  static List<SQLException> failuresThatQuote() {
    SQLException row =
        new SQLException("ERROR: refused\n  Detail: Failing row contains (SECRET).", "23514");
    BatchUpdateException batch =
        new BatchUpdateException(
            "Batch entry 0 INSERT ... 'SECRET'::bytea was aborted", "23514", 0, new int[0], row);
    batch.setNextException(row);
    BatchUpdateException outage =
        new BatchUpdateException("Batch entry 0 'SECRET' was aborted", "08006", 0, new int[0]);
    return List.of(
        row,
        batch,
        outage,
        new BatchUpdateException("Batch entry 0 'SECRET'", "42P01", 0, new int[0]),
        new SQLException("wrapped 'SECRET'", "23514", batch),
        new SQLException("Duplicate entry 'it's SECRET' for key 'PRIMARY'", "23000", 1062),
        new SQLException("Value too long for column \"X\": \"'SECRET' (6)\"; SQL\nINSERT", "22001"),
        new SQLException("deadlock\n  Where: SECRET", "40P01"));
  }

  @ParameterizedTest
  @MethodSource("failuresThatQuote")
  void noFailureShowsValuesAndEachKeepsItsState(SQLException failure) {
    for (StoreException each :
        List.of(
            SqlErrors.translate("insert", failure),
            SqlErrors.translateCommit(failure),
            SqlErrors.translateConnect("insert", failure),
            SqlErrors.translateSingle("insert", failure),
            SqlErrors.translateRolledBack(failure))) {
      assertThat(stackTrace(each)).doesNotContain("SECRET");
      assertThat(each.getCause())
          .isInstanceOfSatisfying(
              SQLException.class,
              cause -> {
                assertThat(cause.getSQLState()).isEqualTo(failure.getSQLState());
                assertThat(SqlCondition.of(cause)).isEqualTo(SqlCondition.of(failure));
              });
    }
    assertThat(stackTrace(SqlErrors.withoutValues(failure))).doesNotContain("SECRET");
  }

  /** Failures of Spring, Hibernate and pools with a driver's failure as cause. */
  @ParameterizedTest
  @MethodSource("failuresThatQuote")
  void aFailureOfALayerNamesItsClassAndShowsNoValue(SQLException failure) {
    SQLException around = new SQLException("wrapped", "08006", new IllegalStateException("SECRET"));
    SQLException besides = new SQLException("reset", "08006");
    besides.addSuppressed(failure);
    for (Throwable layer :
        List.of(
            new IllegalStateException("insert into t values ('SECRET')", failure),
            new IllegalStateException(
                "key SECRET", new UncheckedIOException(new IOException("SECRET"))),
            new IllegalStateException("SECRET", around),
            new IllegalStateException("SECRET", besides))) {
      layer.addSuppressed(failure);
      Throwable told = SqlErrors.withoutValues(layer);
      assertThat(stackTrace(told)).doesNotContain("SECRET");
      assertThat(told)
          .hasToString(
              "java.lang.IllegalStateException (its text is left out: it may quote values)");
      assertThat(told.getStackTrace()).isEqualTo(layer.getStackTrace());
      assertThat(SqlErrors.isConnectionLost(told)).isEqualTo(SqlErrors.isConnectionLost(layer));
    }
    for (SQLException each : List.of(around, besides)) {
      assertThat(stackTrace(SqlErrors.withoutValues(each))).doesNotContain("SECRET");
    }
  }

  @Test
  void theCauseThatDecidesTheKindStaysInTheChain() {
    for (Throwable meant :
        List.of(
            new OutOfMemoryError("planted"),
            new InterruptedException("planted"),
            SqlErrors.translate("insert", new SQLException("timeout", "57014")))) {
      for (Throwable carried :
          List.of(
              meant,
              new IllegalStateException("SECRET", meant),
              new IllegalStateException("SECRET", new SQLException("odd", "45000", meant)))) {
        assertThat(Failures.chain(SqlErrors.withoutValues(carried))).contains(meant);
      }
    }
  }

  @Test
  void contentionAndUnavailabilityNameTheState() {
    assertThat(SqlErrors.translate("insert", new SQLException("deadlock detected", "40P01")))
        .hasMessage("COMMS-JDBC-002: insert: conflict with another transaction, state 40P01");
    assertThat(SqlErrors.translate("insert", new SQLException("timeout", "57014")))
        .hasMessage("COMMS-JDBC-008: insert: database unavailable, state 57014");
  }

  @Test
  void anUnknownFailureIsAFailedAttemptAndNotAnOutage() {
    StoreException unknown = SqlErrors.translate("insert", new SQLException("odd", "45000"));
    assertThat(unknown).hasMessage("COMMS-JDBC-016: insert: state 45000, odd");
    assertThat(unknown.kind()).isEqualTo(FailureKind.CONTENTION);
  }

  /** Otherwise the failure of the work would be replaced by that of its own method. */
  @Test
  void aFailureWhoseCauseCannotBeReadIsNotALostConnectionAndIsNotReplaced() {
    RuntimeException hostile =
        new RuntimeException() {
          @Override
          public synchronized Throwable getCause() {
            throw new IllegalStateException("planted");
          }
        };
    assertThat(SqlErrors.isConnectionLost(hostile)).isFalse();
    assertThat(SqlErrors.isConnectionLost(new RuntimeException(hostile))).isFalse();
  }
}
