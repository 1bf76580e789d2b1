package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.outbox.TransactionBinding.Sight;
import io.commslib.testkit.Await;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The rules for every binding of the caller's transaction, the same for plain JDBC, the library's
 * own runner, Spring, jOOQ and jdbi. The tests of a binding extend it.
 */
public abstract class TransactionBindingContract extends OutboxFixture {

  private TransactionBinding binding;

  /** Creates the contract. */
  protected TransactionBindingContract() {}

  /**
   * Creates the binding under test.
   *
   * @param database the database of its transactions; its data source is the fixture's
   * @return the binding
   */
  protected abstract TransactionBinding binding(JdbcDatabase database);

  @BeforeEach
  void bind() {
    binding = binding(database);
    execute("CREATE TABLE " + database.table("effect") + " (id varchar(20) PRIMARY KEY)");
  }

  private void effect(TransactionContext tx, String id) throws SQLException {
    try (PreparedStatement insert =
        tx.unwrap(Connection.class)
            .prepareStatement("INSERT INTO " + database.table("effect") + " VALUES (?)")) {
      insert.setString(1, id);
      insert.executeUpdate();
    }
  }

  private void effectAndMessage(TransactionContext tx, String id) throws SQLException {
    effect(tx, id);
    outbox.publish(tx, ORDERS, message(id, "k"));
  }

  @Test
  void aCommitKeepsBothTheEffectAndTheMessage() throws Exception {
    binding.run(tx -> effectAndMessage(tx, "m1"));
    assertThat(rows("effect")).isEqualTo(1);
    assertThat(rows("outbox_message")).isEqualTo(1);
    startRelay();
    Await.until("published", () -> transport.confirmed().equals(List.of("m1")));
  }

  @Test
  void aThrowKeepsNeither() {
    assertThatThrownBy(
            () ->
                binding.run(
                    tx -> {
                      effectAndMessage(tx, "m1");
                      throw new UnsupportedOperationException("changed my mind");
                    }))
        .hasStackTraceContaining("changed my mind");
    assertThat(rows("effect")).isZero();
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  void nothingIsSeenOutsideBeforeTheCommit() throws Exception {
    List<Integer> seen = new ArrayList<>();
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          seen.add(rows("effect"));
          seen.add(rows("outbox_message"));
        });
    assertThat(seen).as("the library never commits").containsExactly(0, 0);
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  void theCallersConnectionStaysOpenAndUsable() throws Exception {
    binding.run(
        tx -> {
          outbox.publish(tx, ORDERS, message("m1", "k"));
          outbox.publishAll(tx, ORDERS, List.of(message("m2", "k"), message("m3", "k")));
          assertThat(tx.unwrap(Connection.class).isClosed()).isFalse();
          effect(tx, "after");
        });
    assertThat(rows("effect")).isEqualTo(1);
    startRelay();
    Await.until(
        "published in order", () -> transport.confirmed().equals(List.of("m1", "m2", "m3")));
  }

  @Test
  void hooksRunAfterTheCommitOrTheCallerMustWake() throws Exception {
    List<Integer> seen = new ArrayList<>();
    boolean[] accepted = new boolean[1];
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          accepted[0] = tx.afterCommit(() -> seen.add(rows("outbox_message")));
          assertThat(seen).isEmpty();
        });
    assertThat(accepted[0]).isEqualTo(binding.sight() == Sight.SEES_THE_END);
    assertThat(seen)
        .isEqualTo(binding.sight() == Sight.SEES_THE_END ? List.of(1) : List.<Integer>of());
  }

  @Test
  void hooksDoNotRunAfterARollback() {
    List<String> ran = new ArrayList<>();
    assertThatThrownBy(
        () ->
            binding.run(
                tx -> {
                  tx.afterCommit(() -> ran.add("hook"));
                  throw new UnsupportedOperationException("no");
                }));
    assertThat(ran).isEmpty();
  }

  /** Failures of a hook. */
  private static final List<Throwable> TROUBLES =
      List.of(
          new IllegalStateException("hook"),
          new AssertionError("hook"),
          new NoClassDefFoundError("hook"),
          new StackOverflowError(),
          new OutOfMemoryError("for the test"),
          new RuntimeException() {
            private static final long serialVersionUID = 1L;

            @Override
            public String getMessage() {
              throw new IllegalStateException("getMessage fails too");
            }
          });

  @Test
  void aFailingHookHarmsNeitherTheCommitNorTheOthers() throws Exception {
    List<String> ran = new ArrayList<>();
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          for (Throwable trouble : TROUBLES) {
            tx.afterCommit(() -> sneak(trouble));
            tx.afterCommit(() -> ran.add(trouble.getClass().getSimpleName()));
          }
        });
    assertThat(rows("outbox_message")).isEqualTo(1);
    assertThat(ran)
        .isEqualTo(
            binding.sight() == Sight.SEES_THE_END
                ? TROUBLES.stream().map(trouble -> trouble.getClass().getSimpleName()).toList()
                : List.<String>of());
    binding.run(tx -> effectAndMessage(tx, "m2"));
    assertThat(rows("outbox_message")).as("the next one commits").isEqualTo(2);
  }

  private static void sneak(Throwable trouble) {
    if (trouble instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) trouble;
  }

  @Test
  void anInterruptLeftByAHookReachesTheCallerAndNoOtherHook() throws Exception {
    List<Boolean> seen = new ArrayList<>();
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          tx.afterCommit(() -> Thread.currentThread().interrupt());
          tx.afterCommit(() -> seen.add(Thread.currentThread().isInterrupted()));
        });
    boolean sees = binding.sight() == Sight.SEES_THE_END;
    assertThat(Thread.interrupted()).as("not lost").isEqualTo(sees);
    assertThat(seen).isEqualTo(sees ? List.of(false) : List.<Boolean>of());
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  void anEndedTransactionAcceptsNothing() throws Exception {
    List<TransactionContext> kept = new ArrayList<>();
    binding.run(
        tx -> {
          kept.add(tx);
          effectAndMessage(tx, "m1");
          tx.afterCommit(() -> assertRefused(tx));
        });
    assertRefused(kept.get(0));
    assertThatThrownBy(
        () ->
            binding.run(
                tx -> {
                  kept.add(tx);
                  throw new UnsupportedOperationException("rolls back");
                }));
    assertRefused(kept.get(1));
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  private void assertRefused(TransactionContext tx) {
    assertThatIllegalStateException()
        .isThrownBy(() -> outbox.publish(tx, ORDERS, message("late", "k")))
        .withMessageMatching("COMMS-(JDBC-017|JDBC-006|SPRING-008): .*");
  }

  @Test
  void aMarkedTransactionCanNotCommit() {
    if (binding.sight() == Sight.BLIND) {
      assertThat(markedBlindly()).as("the mark only informs the caller").isTrue();
      return;
    }
    try {
      binding.run(
          tx -> {
            effectAndMessage(tx, "m1");
            tx.setRollbackOnly();
            assertThat(tx.isRollbackOnly()).isTrue();
          });
    } catch (Exception e) {
      assertThat(e).hasMessageContaining("rollback-only");
    }
    assertThat(rows("effect")).isZero();
    assertThat(rows("outbox_message")).isZero();
  }

  private boolean markedBlindly() {
    boolean[] marked = new boolean[1];
    try {
      binding.run(
          tx -> {
            tx.setRollbackOnly();
            marked[0] = tx.isRollbackOnly();
          });
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return marked[0];
  }

  @Test
  void aTransactionOfAnotherDatabaseIsRefused() throws Exception {
    try (HikariDataSource other = ownPool()) {
      JdbcOutbox elsewhere =
          JdbcOutbox.create(JdbcDatabase.builder(other).schema(schema).build(), config);
      binding.run(
          tx ->
              assertThatThrownBy(() -> elsewhere.publish(tx, ORDERS, message("m1", "k")))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageStartingWith("transaction: "));
    }
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  void aStatementThatFailsRollsEverythingBack() {
    assertThatThrownBy(
        () ->
            binding.run(
                tx -> {
                  effectAndMessage(tx, "m1");
                  effect(tx, "m1");
                }));
    assertThat(rows("effect")).isZero();
    assertThat(rows("outbox_message")).isZero();
  }

  /** PostgreSQL then rolls the transaction back, and its driver reports a commit. */
  @Test
  void aFailureThatTheCallerCatchesLosesNothingSilently() throws Exception {
    binding.run(tx -> effect(tx, "there"));
    Throwable thrown = null;
    try {
      binding.run(
          tx -> {
            effectAndMessage(tx, "m1");
            assertThatThrownBy(() -> effect(tx, "there")).isInstanceOf(SQLException.class);
          });
    } catch (StoreException e) {
      assertThat(e.code()).isEqualTo("COMMS-JDBC-016");
      assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION);
      thrown = e;
    }
    boolean survives = database.dialect() != SqlDialect.POSTGRESQL;
    assertThat(rows("effect")).isEqualTo(survives ? 2 : 1);
    assertThat(rows("outbox_message")).isEqualTo(survives ? 1 : 0);
    if (binding.sight() == Sight.SEES_THE_END) {
      assertThat(thrown == null).as("committed or thrown").isEqualTo(survives);
    }
  }

  @Test
  void aFailureBehindASavepointKeepsTheTransaction() throws Exception {
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          Connection connection = tx.unwrap(Connection.class);
          Savepoint savepoint = connection.setSavepoint();
          assertThatThrownBy(() -> effect(tx, "m1")).isInstanceOf(SQLException.class);
          connection.rollback(savepoint);
        });
    assertThat(rows("effect")).isEqualTo(1);
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  void theNextTransactionStartsClean() throws Exception {
    assertThatThrownBy(
        () ->
            binding.run(
                tx -> {
                  effectAndMessage(tx, "m1");
                  tx.setRollbackOnly();
                  throw new UnsupportedOperationException("no");
                }));
    binding.run(
        tx -> {
          assertThat(tx.isRollbackOnly()).isFalse();
          effectAndMessage(tx, "m2");
        });
    assertThat(rows("effect")).isEqualTo(1);
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  void theTransactionCanNotBeEndedThroughTheLibrary() throws Exception {
    if (binding.sight() == Sight.BLIND) {
      // The connection is the caller's own object; there is nothing to guard.
      return;
    }
    binding.run(
        tx -> {
          effectAndMessage(tx, "m1");
          Connection connection = tx.unwrap(Connection.class);
          assertThatIllegalStateException().isThrownBy(connection::commit);
          assertThatIllegalStateException().isThrownBy(connection::rollback);
          assertThatIllegalStateException().isThrownBy(connection::close);
          assertThatIllegalStateException().isThrownBy(() -> connection.setAutoCommit(true));
          try (Statement statement = connection.createStatement()) {
            assertThat(statement.getConnection()).isSameAs(connection);
          }
        });
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  void wakingAfterTheCommitPublishesWithoutWaitingForThePoll() throws Exception {
    configure(quick().leaseTime(Duration.ofMinutes(5)).pollInterval(Duration.ofSeconds(60)));
    startRelay();
    // A relay reads by itself right after its start. The first message awaits that.
    write("first", "k0");
    Await.until("relay works", () -> transport.confirmed().contains("first"));
    binding.run(tx -> effectAndMessage(tx, "m1"));
    if (binding.sight() == Sight.BLIND) {
      outbox.wake();
    }
    Await.until("published", () -> transport.confirmed().contains("m1"));
  }
}
