package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** A deadlock on MariaDB or H2 over two rows, with an opponent that wins. */
final class Deadlock implements AutoCloseable {

  private final DataSource source;
  private final SqlDialect dialect;
  private final Connection winner;

  private Deadlock(DataSource source, SqlDialect dialect, Connection winner) {
    this.source = source;
    this.dialect = dialect;
    this.winner = winner;
  }

  /** InnoDB rolls back the transaction with fewer changes, H2 the one that began later. */
  static Deadlock begin(DataSource source, SqlDialect dialect) throws SQLException {
    TestDatabases.execute(
        source,
        "DROP TABLE IF EXISTS duel",
        "CREATE TABLE duel (id int PRIMARY KEY, n int)",
        "INSERT INTO duel VALUES (1, 0), (2, 0)");
    Connection winner = source.getConnection();
    winner.setAutoCommit(false);
    try (Statement statement = winner.createStatement()) {
      for (int id = 10; id < 40; id++) {
        statement.execute("INSERT INTO duel VALUES (" + id + ", 0)");
      }
      statement.execute("UPDATE duel SET n = n + 1 WHERE id = 2");
    }
    return new Deadlock(source, dialect, winner);
  }

  /** Loses the deadlock on a connection and swallows the failure. */
  void lose(Connection loser) throws SQLException {
    Thread opponent = new Thread(this::attack);
    try (Statement statement = loser.createStatement()) {
      statement.execute("UPDATE duel SET n = n + 1 WHERE id = 1");
      opponent.start();
      statement.execute("UPDATE duel SET n = n + 1 WHERE id = 2");
      throw new AssertionError("no deadlock, or won it");
    } catch (SQLException caught) {
      if (!String.valueOf(caught.getSQLState()).startsWith("40")) {
        throw caught;
      }
    } finally {
      join(opponent);
    }
  }

  /** Completes the deadlock once the loser waits. */
  private void attack() {
    String waiting =
        dialect == SqlDialect.H2
            ? "SELECT count(*) FROM information_schema.sessions WHERE blocker_id IS NOT NULL"
            : "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (TestDatabases.number(source, waiting) == 0 && System.nanoTime() < end) {
      // InnoDB's view is not refreshed if it is read more often than every 100 ms.
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(120));
    }
    try (Statement statement = winner.createStatement()) {
      statement.execute("UPDATE duel SET n = n + 1 WHERE id = 1");
    } catch (SQLException e) {
      // The loser fails because there is no deadlock.
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join(10_000);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() throws SQLException {
    winner.rollback();
    winner.setAutoCommit(true);
    winner.close();
  }
}
