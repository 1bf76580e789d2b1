package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SqlErrorsTest {

  @ParameterizedTest
  @CsvSource({
    "08006, 0, TRANSIENT, UNKNOWN_RESULT",
    "08001, 0, TRANSIENT, UNKNOWN_RESULT",
    "57P01, 0, TRANSIENT, UNKNOWN_RESULT",
    "57P03, 0, TRANSIENT, UNKNOWN_RESULT",
    "90067, 90067, TRANSIENT, UNKNOWN_RESULT",
    "90098, 90098, TRANSIENT, UNKNOWN_RESULT",
    "90121, 90121, TRANSIENT, UNKNOWN_RESULT",
    "53100, 0, TRANSIENT, TRANSIENT",
    "25006, 0, TRANSIENT, TRANSIENT",
    "40003, 0, CONTENTION, UNKNOWN_RESULT",
    "40001, 0, CONTENTION, CONTENTION",
    "40P01, 0, CONTENTION, CONTENTION",
    "55P03, 0, CONTENTION, CONTENTION",
    "HYT00, 50200, CONTENTION, CONTENTION",
    "23505, 0, PERMANENT, PERMANENT",
    "42P01, 0, PERMANENT, PERMANENT",
    ", 0, PERMANENT, PERMANENT",
    "HY000, 1205, CONTENTION, CONTENTION",
    "40001, 1213, CONTENTION, CONTENTION",
    "HY000, 1114, TRANSIENT, TRANSIENT",
    "HY000, 1290, TRANSIENT, TRANSIENT",
    "70100, 1927, TRANSIENT, UNKNOWN_RESULT",
    "70100, 1317, TRANSIENT, TRANSIENT",
    "70100, 1969, TRANSIENT, TRANSIENT",
    "HY000, 1020, CONTENTION, CONTENTION",
    "42000, 1226, TRANSIENT, TRANSIENT",
    "08S01, 1153, PERMANENT, PERMANENT",
    "23000, 1062, PERMANENT, PERMANENT",
    "42S02, 1146, PERMANENT, PERMANENT",
  })
  void classifiesByStateOnce(String state, int code, FailureKind kind, FailureKind duringCommit) {
    SQLException failure = new SQLException("driver text", state, code);
    assertThat(SqlErrors.translate("insert", failure).kind()).isEqualTo(kind);
    assertThat(SqlErrors.translateCommit(failure).kind()).isEqualTo(duringCommit);
  }

  @Test
  void takesAPoolWithoutFreeConnectionForAnOutage() {
    assertThat(
            SqlErrors.translate("begin", new SQLTransientConnectionException("timed out")).kind())
        .isEqualTo(FailureKind.TRANSIENT);
  }

  @Test
  void keepsTheDriversFailureAndOnlyTheFirstLineOfItsText() {
    SQLException failure =
        new SQLException("value too long\n  Detail: payload of a customer", "22001");
    StoreException translated = SqlErrors.translate("outbox insert", failure);
    assertThat(translated)
        .hasCause(failure)
        .hasMessage("COMMS-JDBC-003: outbox insert: state 22001, value too long");
  }
}
