package io.commslib.spring;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The library's classes that borrow a connection or use one that is the caller's, and where each is
 * tried. A class that is missing here fails {@link BorrowersTest}; one that is here and never seen
 * on a connection of the test's pool fails {@link GivenBackContract}.
 */
final class Borrowers {

  /** Where a class is tried. */
  enum Tried {
    /** On every database. */
    EVERYWHERE,
    /** On PostgreSQL, which alone has what it uses. */
    ON_POSTGRESQL,
    /** On H2. */
    ON_H2,
    /** On databases that have the tables of sagas. */
    WHERE_SAGAS_ARE,
    /** It prepares a schema, not a service's work; its own tests say what it leaves. */
    SCHEMA,
    /** In memory; it borrows no connection. */
    IN_MEMORY,
    /** Writes down which settings there are; others run them. */
    TEXT
  }

  /** Who takes connections, or asks a transaction for its own. */
  static final Map<String, Tried> CLASSES =
      Map.ofEntries(
          Map.entry("io.commslib.jdbc.BorrowedConnection", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.JdbcDatabase", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.JdbcTransactions", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.Loan", Tried.SCHEMA),
          Map.entry("io.commslib.outbox.JdbcOutbox", Tried.EVERYWHERE),
          Map.entry("io.commslib.outbox.OutboxTransactions", Tried.EVERYWHERE),
          Map.entry("io.commslib.outbox.OutboxNotifier", Tried.ON_POSTGRESQL),
          Map.entry("io.commslib.outbox.InMemoryOutbox", Tried.IN_MEMORY),
          Map.entry("io.commslib.idempotency.JdbcInbox", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.JdbcIdempotencyStore", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.JdbcBlockedKeyStore", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.InMemoryInbox", Tried.IN_MEMORY),
          Map.entry("io.commslib.idempotency.InMemoryIdempotencyStore", Tried.IN_MEMORY),
          Map.entry("io.commslib.saga.SagaEngine", Tried.WHERE_SAGAS_ARE),
          Map.entry("io.commslib.saga.OperatorActions", Tried.WHERE_SAGAS_ARE),
          Map.entry("io.commslib.saga.SagaTimeouts", Tried.WHERE_SAGAS_ARE),
          Map.entry("io.commslib.saga.SagaTransitions", Tried.WHERE_SAGAS_ARE),
          Map.entry("io.commslib.saga.ReplyHandler", Tried.WHERE_SAGAS_ARE),
          Map.entry("io.commslib.spring.SpringTransaction", Tried.EVERYWHERE));

  /** Who changes a connection through JDBC's methods. */
  static final Set<String> CHANGERS =
      Set.of(
          "io.commslib.jdbc.BorrowedConnection",
          "io.commslib.jdbc.Loan",
          // Destroys the connection it listened on, if it can't stop listening.
          "io.commslib.outbox.OutboxNotifier");

  /** Whose SQL changes a session, or takes a lock that could outlive a transaction. */
  static final Map<String, Tried> SETTERS =
      Map.of(
          "io.commslib.idempotency.PostgresInboxInsert", Tried.ON_POSTGRESQL,
          "io.commslib.idempotency.H2LockTimeout", Tried.ON_H2,
          "io.commslib.outbox.PostgresRows", Tried.ON_POSTGRESQL,
          "io.commslib.outbox.ShardLeases", Tried.EVERYWHERE,
          "io.commslib.outbox.OutboxNotifier", Tried.ON_POSTGRESQL,
          "io.commslib.jdbc.SqlDialect", Tried.TEXT,
          "io.commslib.jdbc.SchemaLock", Tried.SCHEMA);

  private Borrowers() {}

  /** Whether a class on the stack says that its own tests look after what it leaves. */
  static boolean isExempt(String name) {
    return CLASSES.get(name) == Tried.SCHEMA;
  }

  /** Which classes must be seen on connections of a database. */
  static Set<String> on(SessionState database) {
    Set<String> classes = new TreeSet<>();
    CLASSES.forEach((name, tried) -> add(classes, name, tried, database));
    SETTERS.forEach((name, tried) -> add(classes, name, tried, database));
    return classes;
  }

  private static void add(Set<String> to, String name, Tried tried, SessionState database) {
    boolean isTried =
        switch (tried) {
          case EVERYWHERE -> true;
          case ON_POSTGRESQL -> database == SessionState.POSTGRESQL;
          case ON_H2 -> database == SessionState.H2;
          case WHERE_SAGAS_ARE -> database != SessionState.MARIADB;
          default -> false;
        };
    if (isTried) {
      to.add(name);
    }
  }
}
