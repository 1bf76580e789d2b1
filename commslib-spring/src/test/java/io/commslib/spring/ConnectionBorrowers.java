package io.commslib.spring;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The library's classes that borrow a connection or use a caller's connection, and the databases on
 * which each is tested. A class that is missing here fails {@link ConnectionBorrowersTest}; a class
 * that is listed but never uses a connection of the test's pool fails {@link
 * ConnectionStateContract}.
 */
final class ConnectionBorrowers {

  /** The databases on which a class is tested. */
  enum Tried {
    /** On every database. */
    EVERYWHERE,
    /** On PostgreSQL, since it uses features of PostgreSQL only. */
    ON_POSTGRESQL,
    /** On H2. */
    ON_H2,
    /** On databases that have the tables of sagas. */
    WITH_SAGAS,
    /** It changes schemas and is not used at runtime; its own tests cover it. */
    SCHEMA,
    /** In memory; it borrows no connection. */
    IN_MEMORY,
    /** It only has the text of settings; other classes run them. */
    TEXT
  }

  /** Classes that borrow connections, or use the connection of a transaction. */
  static final Map<String, Tried> CLASSES =
      Map.ofEntries(
          Map.entry("io.commslib.jdbc.BorrowedConnection", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.JdbcDatabase", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.JdbcTransactions", Tried.EVERYWHERE),
          Map.entry("io.commslib.jdbc.SchemaConnection", Tried.SCHEMA),
          Map.entry("io.commslib.outbox.JdbcOutbox", Tried.EVERYWHERE),
          Map.entry("io.commslib.outbox.OutboxTransactions", Tried.EVERYWHERE),
          Map.entry("io.commslib.outbox.OutboxNotifier", Tried.ON_POSTGRESQL),
          Map.entry("io.commslib.outbox.InMemoryOutbox", Tried.IN_MEMORY),
          Map.entry("io.commslib.idempotency.JdbcInbox", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.JdbcIdempotencyStore", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.JdbcBlockedKeyStore", Tried.EVERYWHERE),
          Map.entry("io.commslib.idempotency.InMemoryInbox", Tried.IN_MEMORY),
          Map.entry("io.commslib.idempotency.InMemoryIdempotencyStore", Tried.IN_MEMORY),
          Map.entry("io.commslib.saga.SagaEngine", Tried.WITH_SAGAS),
          Map.entry("io.commslib.saga.OperatorActions", Tried.WITH_SAGAS),
          Map.entry("io.commslib.saga.SagaTimeouts", Tried.WITH_SAGAS),
          Map.entry("io.commslib.saga.SagaTransitions", Tried.WITH_SAGAS),
          Map.entry("io.commslib.saga.ReplyHandler", Tried.WITH_SAGAS),
          Map.entry("io.commslib.spring.SpringTransaction", Tried.EVERYWHERE));

  /** Classes that change a connection through JDBC's methods. */
  static final Set<String> CONNECTION_CHANGERS =
      Set.of(
          "io.commslib.jdbc.BorrowedConnection",
          "io.commslib.jdbc.SchemaConnection",
          // Destroys a connection whose transaction can't be ended safely.
          "io.commslib.jdbc.JdbcTransactions",
          // Destroys the connection it listened on, if it can't stop listening.
          "io.commslib.outbox.OutboxNotifier");

  /** Classes whose SQL changes a session, or takes a lock that may outlive a transaction. */
  static final Map<String, Tried> SESSION_CHANGERS =
      Map.of(
          "io.commslib.jdbc.BorrowedConnection", Tried.EVERYWHERE,
          "io.commslib.jdbc.JdbcTransactions", Tried.EVERYWHERE,
          "io.commslib.idempotency.PostgresInboxInsert", Tried.ON_POSTGRESQL,
          "io.commslib.idempotency.H2LockTimeout", Tried.ON_H2,
          "io.commslib.outbox.PostgresRows", Tried.ON_POSTGRESQL,
          "io.commslib.outbox.ShardTable", Tried.EVERYWHERE,
          "io.commslib.outbox.OutboxNotifier", Tried.ON_POSTGRESQL,
          "io.commslib.jdbc.SqlDialect", Tried.TEXT,
          "io.commslib.jdbc.SchemaLock", Tried.SCHEMA);

  private ConnectionBorrowers() {}

  /** Returns whether a class is covered by its own tests. */
  static boolean isExempt(String name) {
    return CLASSES.get(name) == Tried.SCHEMA;
  }

  /** Returns the classes that must use connections of a database in the test. */
  static Set<String> on(SessionState database) {
    Set<String> classes = new TreeSet<>();
    CLASSES.forEach((name, tried) -> add(classes, name, tried, database));
    SESSION_CHANGERS.forEach((name, tried) -> add(classes, name, tried, database));
    return classes;
  }

  private static void add(Set<String> to, String name, Tried tried, SessionState database) {
    boolean isTried =
        switch (tried) {
          case EVERYWHERE -> true;
          case ON_POSTGRESQL -> database == SessionState.POSTGRESQL;
          case ON_H2 -> database == SessionState.H2;
          case WITH_SAGAS -> database != SessionState.MARIADB;
          default -> false;
        };
    if (isTried) {
      to.add(name);
    }
  }
}
