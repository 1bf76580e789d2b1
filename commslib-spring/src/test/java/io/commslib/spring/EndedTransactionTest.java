package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxSchema;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * A message published in a callback of Spring's transaction either commits with it or is refused.
 * None is accepted and lost, for either auto-commit mode of the pool.
 */
class EndedTransactionTest {

  private static final Destination ORDERS = Destination.queue("orders");

  /** Every callback of Spring, and whether a transaction that can still commit runs in it. */
  private static final Map<String, Boolean> CALLBACKS =
      Map.of(
          "beforeCommit", true,
          "beforeCompletion", true,
          "afterCommit", false,
          "afterCompletion", false);

  /** Spring calls them during a transaction, when the user requests it. */
  private static final List<String> IN_BETWEEN =
      List.of("suspend", "resume", "flush", "savepoint", "savepointRollback", "getOrder");

  @TempDir Path folder;

  @Test
  void everyCallbackOfSpringIsListed() {
    Set<String> names = new TreeSet<>();
    for (Method method : TransactionSynchronization.class.getMethods()) {
      names.add(method.getName());
    }
    assertThat(names)
        .containsAll(CALLBACKS.keySet())
        .isSubsetOf(
            Stream.concat(
                    Stream.concat(CALLBACKS.keySet().stream(), IN_BETWEEN.stream()),
                    Stream.of("compareTo"))
                .toList());
  }

  static Stream<Arguments> cells() {
    List<Arguments> cells = new ArrayList<>();
    for (String callback : new TreeSet<>(CALLBACKS.keySet())) {
      for (boolean autoCommit : new boolean[] {true, false}) {
        for (boolean before : new boolean[] {true, false}) {
          for (boolean rollsBack : new boolean[] {true, false}) {
            cells.add(Arguments.of(callback, autoCommit, before, rollsBack));
          }
        }
      }
    }
    return cells.stream();
  }

  @ParameterizedTest(name = "{0}, auto-commit {1}, published before {2}, rolls back {3}")
  @MethodSource("cells")
  void aMessageCommitsWithTheTransactionOrIsRefused(
      String callback, boolean autoCommit, boolean before, boolean rollsBack) throws Exception {
    try (HikariDataSource pool =
        TestDatabases.h2(folder, config -> config.setAutoCommit(autoCommit))) {
      JdbcDatabase database = JdbcDatabase.builder(pool).build();
      OutboxSchema.scripts().apply(database);
      JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
      TransactionTemplate template =
          new TransactionTemplate(new DataSourceTransactionManager(pool));
      List<String> accepted = new ArrayList<>();
      List<String> refused = new ArrayList<>();
      List<String> called = new ArrayList<>();
      Runnable late =
          () -> {
            called.add(callback);
            try {
              publish(outbox, database, "late");
              accepted.add("late");
            } catch (IllegalStateException e) {
              refused.add(e.getMessage());
            }
          };
      template.executeWithoutResult(
          status -> {
            TransactionSynchronizationManager.registerSynchronization(calling(callback, late));
            if (before) {
              publish(outbox, database, "first");
              accepted.add("first");
            }
            if (rollsBack) {
              status.setRollbackOnly();
            }
          });
      boolean comes =
          !rollsBack || !callback.equals("beforeCommit") && !callback.equals("afterCommit");
      assertThat(called).hasSize(comes ? 1 : 0);
      if (comes && !CALLBACKS.get(callback)) {
        assertThat(refused)
            .containsExactly(
                "COMMS-SPRING-008: the transaction is over (expected: one that runs; publish before"
                    + " the commit in beforeCommit, after it in a new transaction, with"
                    + " REQUIRES_NEW)");
      }
      assertThat(ids(pool, database)).hasSize(rollsBack ? 0 : accepted.size());
      // The thread is clean: the next transaction is not the ended one.
      template.executeWithoutResult(status -> publish(outbox, database, "next"));
      assertThat(ids(pool, database)).hasSize((rollsBack ? 0 : accepted.size()) + 1);
    }
  }

  @Test
  void aNewTransactionAcceptsAMessageAfterTheEnd() throws Exception {
    try (HikariDataSource pool = TestDatabases.h2(folder, config -> config.setAutoCommit(false))) {
      JdbcDatabase database = JdbcDatabase.builder(pool).build();
      OutboxSchema.scripts().apply(database);
      JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
      DataSourceTransactionManager manager = new DataSourceTransactionManager(pool);
      TransactionTemplate own = new TransactionTemplate(manager);
      own.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
      new TransactionTemplate(manager)
          .executeWithoutResult(
              status ->
                  TransactionSynchronizationManager.registerSynchronization(
                      calling(
                          "afterCommit",
                          () ->
                              own.executeWithoutResult(
                                  inner -> publish(outbox, database, "late")))));
      assertThat(ids(pool, database)).hasSize(1);
    }
  }

  private static TransactionSynchronization calling(String callback, Runnable action) {
    return (TransactionSynchronization)
        Proxy.newProxyInstance(
            EndedTransactionTest.class.getClassLoader(),
            new Class<?>[] {TransactionSynchronization.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals(callback)) {
                action.run();
              }
              return switch (method.getName()) {
                case "hashCode", "getOrder" -> 7;
                case "equals" -> proxy == arguments[0];
                case "toString" -> "calls back in " + callback;
                default -> null;
              };
            });
  }

  private static void publish(JdbcOutbox outbox, JdbcDatabase database, String id) {
    outbox.publish(
        SpringTransactions.current(database), ORDERS, Message.builder("test").id(id).build());
  }

  private static List<Long> ids(HikariDataSource pool, JdbcDatabase database) throws SQLException {
    List<Long> ids = new ArrayList<>();
    try (Connection connection = pool.getConnection();
        Statement select = connection.createStatement();
        ResultSet rows =
            select.executeQuery("SELECT id FROM " + database.table("outbox_message"))) {
      while (rows.next()) {
        ids.add(rows.getLong(1));
      }
    }
    return ids;
  }
}
