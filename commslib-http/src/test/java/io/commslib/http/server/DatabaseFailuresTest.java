package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransactionRollbackException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.util.List;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;

/** Failures of JDBC that a handler throws as they are. */
class DatabaseFailuresTest {

  private static final String SECRET = "hunter2";

  private static HttpResponse<String> answer(Throwable failure) throws Exception {
    RouteHandler handler =
        request -> {
          if (failure instanceof Exception e) {
            throw e;
          }
          throw (Error) failure;
        };
    try (TestServer server = new TestServer(routes -> routes.route("GET /fails", handler))) {
      return server.get("/fails");
    }
  }

  private static SQLException failure(String state, int code) {
    return new SQLException(SECRET, state, code);
  }

  /** A failure within wrappers. */
  private static Throwable wrapped(Throwable failure, int times) {
    Throwable all = failure;
    for (int i = 0; i < times; i++) {
      all = new IllegalStateException("wrapped", all);
    }
    return all;
  }

  @Test
  void aLostRaceMayBeRepeated() throws Exception {
    List<Throwable> races =
        List.of(
            failure("40001", 0),
            failure("40P01", 0),
            failure("40001", 1213),
            failure("55P03", 0),
            failure("HYT00", 50_200),
            failure("90131", 90_131),
            failure("HY000", 1_205),
            new SQLTransactionRollbackException(SECRET),
            new AssertionError(failure("40001", 0)),
            wrapped(failure("40P01", 0), 15));
    for (Throwable race : races) {
      HttpResponse<String> answer = answer(race);
      assertThat(answer.statusCode()).as("%s", race).isEqualTo(503);
      assertThat(TestServer.text(answer))
          .isEqualTo("COMMS-HTTP-110: a call or another dependency of the handler failed");
      assertThat(TestServer.problem(answer).isRetryable()).isTrue();
      assertThat(answer.headers().firstValue("Retry-After")).contains("1");
    }
  }

  @Test
  void aDatabaseThatIsUnavailableIsADependency() throws Exception {
    List<SQLException> outages =
        List.of(
            failure("08006", 0),
            failure("57P01", 0),
            failure("53300", 0),
            new SQLTransientConnectionException(SECRET),
            new SQLRecoverableException(SECRET));
    for (SQLException outage : outages) {
      HttpResponse<String> answer = answer(wrapped(outage, 1));
      assertThat(answer.statusCode()).as("%s", outage.getSQLState()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
    }
  }

  @Test
  void otherFailuresAreThoseOfTheHandler() throws Exception {
    StoreException known =
        new StoreException("COMMS-TEST-001", FailureKind.PERMANENT, "bug", failure("40001", 0));
    List<Throwable> others =
        List.of(
            failure("40003", 0),
            failure("23505", 0),
            failure(null, 0),
            failure("HY000", 7),
            // Beyond the bound of the chain.
            wrapped(failure("40001", 0), 25),
            // The library knows more than the state.
            known);
    for (Throwable other : others) {
      assertThat(answer(other).statusCode()).as("%s", other).isEqualTo(500);
    }
  }

  /** Of a real database, which also checks the table of states. */
  @Test
  void aLockTimeoutOfH2IsALostRace() throws Exception {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:" + System.nanoTime() + ";DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=1");
    try (Connection holder = source.getConnection();
        Statement statement = holder.createStatement()) {
      statement.execute("CREATE TABLE stock (id int PRIMARY KEY, amount int)");
      statement.execute("INSERT INTO stock VALUES (1, 5)");
      holder.setAutoCommit(false);
      statement.execute("UPDATE stock SET amount = 4 WHERE id = 1");
      RouteHandler handler =
          request -> {
            try (Connection second = source.getConnection();
                Statement update = second.createStatement()) {
              update.execute("UPDATE stock SET amount = 3 WHERE id = 1");
            }
            return HttpAnswer.noContent();
          };
      try (TestServer server = new TestServer(routes -> routes.route("GET /sell", handler))) {
        assertThat(server.get("/sell").statusCode()).isEqualTo(503);
        holder.rollback();
        assertThat(server.get("/sell").statusCode()).isEqualTo(204);
      }
    }
  }
}
