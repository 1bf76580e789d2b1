package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxSchema;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.OptimisticLockingFailureException;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.SharedEntityManagerCreator;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.transaction.IllegalTransactionStateException;
import org.springframework.transaction.InvalidIsolationLevelException;
import org.springframework.transaction.NestedTransactionNotSupportedException;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.TransactionSuspensionNotSupportedException;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Behaviour specific to transactions of Spring. */
class SpringTransactionsTest {

  private static final Destination ORDERS = Destination.queue("orders");

  @TempDir Path folder;
  private HikariDataSource pool;
  private JdbcDatabase database;
  private JdbcOutbox outbox;
  private TransactionTemplate template;

  @BeforeEach
  void open() {
    pool = TestDatabases.h2(folder);
    database = JdbcDatabase.builder(pool).build();
    OutboxSchema.scripts().apply(database);
    outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    template = new TransactionTemplate(new DataSourceTransactionManager(pool));
  }

  @AfterEach
  void close() {
    pool.close();
  }

  private void publish(String id) {
    outbox.publish(
        SpringTransactions.current(database), ORDERS, Message.builder("test").id(id).build());
  }

  private int messages() throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement select = connection.createStatement();
        ResultSet row =
            select.executeQuery("SELECT count(*) FROM " + database.table("outbox_message"))) {
      row.next();
      return row.getInt(1);
    }
  }

  @Test
  void outsideATransactionPublishingIsRefused() throws Exception {
    assertThatIllegalStateException()
        .isThrownBy(() -> publish("m1"))
        .withMessage(
            "COMMS-SPRING-001: transaction: none on this thread (expected: one of Spring's, as in a"
                + " @Transactional method)");
    assertThat(messages()).isZero();
  }

  @Test
  void aTransactionOfAnotherDataSourceIsRefusedAndConsumesNoAttempt() throws Exception {
    try (HikariDataSource other = TestDatabases.h2(folder)) {
      TransactionTemplate elsewhere =
          new TransactionTemplate(new DataSourceTransactionManager(other));
      elsewhere.executeWithoutResult(
          status ->
              assertThatThrownBy(() -> publish("m1"))
                  .isInstanceOfSatisfying(
                      StoreException.class,
                      e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
                  .hasMessage(notItsDataSource()));
    }
    assertThat(messages()).isZero();
  }

  private String notItsDataSource() {
    return "COMMS-SPRING-002: transaction: one that does not use the data source of "
        + database
        + " (expected: the data source of the transaction manager)";
  }

  @Test
  void eachCallInsideOneTransactionGetsTheSame() {
    List<TransactionContext> seen = new ArrayList<>();
    template.executeWithoutResult(
        status -> {
          seen.add(SpringTransactions.current(database));
          seen.add(SpringTransactions.current(database));
        });
    template.executeWithoutResult(status -> seen.add(SpringTransactions.current(database)));
    assertThat(seen.get(0)).isSameAs(seen.get(1)).isNotSameAs(seen.get(2));
  }

  @Test
  void aNestedTransactionIsIndependent() throws Exception {
    TransactionTemplate inner = new TransactionTemplate(template.getTransactionManager());
    inner.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    List<String> hooks = new ArrayList<>();
    assertThatThrownBy(
        () ->
            template.executeWithoutResult(
                status -> {
                  publish("outer-1");
                  SpringTransactions.current(database).afterCommit(() -> hooks.add("outer"));
                  inner.executeWithoutResult(
                      nested -> {
                        publish("inner");
                        SpringTransactions.current(database).afterCommit(() -> hooks.add("inner"));
                      });
                  publish("outer-2");
                  throw new UnsupportedOperationException("outer rolls back");
                }));
    assertThat(messages()).isEqualTo(1);
    assertThat(hooks).containsExactly("inner");
  }

  /** A manager that releases its connection with the commit, as those of JPA may do. */
  private static final class Releasing extends AbstractPlatformTransactionManager {
    private static final long serialVersionUID = 1L;
    private final transient DataSource dataSource;
    private transient @Nullable Connection connection;

    Releasing(DataSource dataSource) {
      this.dataSource = dataSource;
    }

    private Connection held() {
      if (connection == null) {
        throw new IllegalStateException("the connection is released");
      }
      return connection;
    }

    @Override
    protected Object doGetTransaction() {
      return this;
    }

    @Override
    protected void doBegin(Object transaction, TransactionDefinition definition) {
      SpringBinding.unchecked(
          () -> {
            connection = dataSource.getConnection();
            held().setAutoCommit(false);
          });
      TransactionSynchronizationManager.bindResource(dataSource, new ConnectionHolder(this::held));
    }

    @Override
    protected void doCommit(DefaultTransactionStatus status) {
      SpringBinding.unchecked(held()::commit);
      release();
    }

    @Override
    protected void doRollback(DefaultTransactionStatus status) {
      SpringBinding.unchecked(held()::rollback);
      release();
    }

    private void release() {
      ConnectionHolder holder =
          (ConnectionHolder) TransactionSynchronizationManager.getResource(dataSource);
      holder.requested();
      holder.released();
      SpringBinding.unchecked(
          () -> {
            held().setAutoCommit(true);
            held().close();
          });
      connection = null;
    }

    @Override
    protected void doCleanupAfterCompletion(Object transaction) {
      TransactionSynchronizationManager.unbindResource(dataSource);
    }
  }

  @Test
  void aCommitIsDoneAlsoIfItsConnectionCanNotBeAskedAfterwards() throws Exception {
    Releasing manager = new Releasing(pool);
    SpringTransactionRunner.create(manager, database)
        .<Void, RuntimeException>run(
            tx -> {
              outbox.publish(tx, ORDERS, Message.builder("test").id("m1").build());
              return null;
            });
    new TransactionTemplate(manager).executeWithoutResult(status -> publish("m2"));
    assertThat(messages()).isEqualTo(2);
  }

  @Test
  void whatSpringMarksRollbackOnlyPublishesNothing() throws Exception {
    List<String> hooks = new ArrayList<>();
    template.executeWithoutResult(
        status -> {
          publish("m1");
          SpringTransactions.current(database).afterCommit(() -> hooks.add("hook"));
          status.setRollbackOnly();
        });
    assertThat(messages()).isZero();
    assertThat(hooks).isEmpty();
  }

  @Test
  void anEntityAndAMessageCommitTogetherOrNotAtAll() throws Exception {
    EntityManagerFactory factory = Managers.entities(pool);
    JpaTransactionManager manager = new JpaTransactionManager(factory);
    manager.setDataSource(pool);
    EntityManager entities = SharedEntityManagerCreator.createSharedEntityManager(factory);
    TransactionTemplate jpa = new TransactionTemplate(manager);
    jpa.executeWithoutResult(
        status -> {
          entities.persist(new Purchase("p1"));
          publish("m1");
        });
    assertThatThrownBy(
        () ->
            jpa.executeWithoutResult(
                status -> {
                  publish("m2");
                  // Fails when it is flushed at commit, after the message was written.
                  entities.persist(new Purchase("p1"));
                }));
    assertThat(messages()).isEqualTo(1);
    List<String> stored = new ArrayList<>();
    jpa.executeWithoutResult(status -> stored.add(entities.find(Purchase.class, "p1").id()));
    assertThat(stored).containsExactly("p1");
    factory.close();
  }

  @Test
  void aCommitThatTheDatabaseRefusesIsReportedAsRolledBack() throws Exception {
    EntityManagerFactory factory = Managers.entities(pool);
    JpaTransactionManager manager = new JpaTransactionManager(factory);
    manager.setDataSource(pool);
    EntityManager entities = SharedEntityManagerCreator.createSharedEntityManager(factory);
    SpringTransactionRunner runner = SpringTransactionRunner.create(manager, database);
    runner.<Void, RuntimeException>run(
        tx -> {
          entities.persist(new Purchase("p1"));
          return null;
        });
    assertThatThrownBy(
            () ->
                runner.<Void, RuntimeException>run(
                    tx -> {
                      outbox.publish(tx, ORDERS, Message.builder("test").id("m1").build());
                      entities.persist(new Purchase("p1"));
                      return null;
                    }))
        .isInstanceOf(StoreException.class)
        .satisfies(e -> assertThat(((StoreException) e).kind()).isEqualTo(FailureKind.CONTENTION));
    assertThat(messages()).isZero();
    factory.close();
  }

  @Test
  void aDatabaseThatCanNotBeReachedIsTransient() {
    HikariDataSource closed = TestDatabases.h2(folder);
    JdbcDatabase gone = JdbcDatabase.builder(closed).build();
    closed.close();
    SpringTransactionRunner runner =
        SpringTransactionRunner.create(new DataSourceTransactionManager(closed), gone);
    assertThatThrownBy(() -> runner.run(tx -> null))
        .isInstanceOf(StoreException.class)
        .satisfies(e -> assertThat(((StoreException) e).kind()).isEqualTo(FailureKind.TRANSIENT));
  }

  @Test
  void aManagerThatCannotBeginIsAConfigurationErrorAndFoundImmediately() {
    List<TransactionException> configuration =
        List.of(
            new InvalidIsolationLevelException("JTA: no custom isolation levels"),
            new TransactionSuspensionNotSupportedException("JTA: no TransactionManager"),
            new NestedTransactionNotSupportedException("no"),
            new IllegalTransactionStateException("no"));
    assertThat(configuration)
        .allSatisfy(
            failure ->
                assertThatThrownBy(() -> SpringTransactionRunner.create(failing(failure), database))
                    .isInstanceOfSatisfying(
                        StoreException.class,
                        e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
                    .hasMessageMatching(
                        "COMMS-SPRING-007: transaction manager: .*: "
                            + failure.getClass().getSimpleName()
                            + " \\(expected: one that begins new transactions with isolation READ"
                            + " COMMITTED, as JDBC's and JPA's; JTA's needs"
                            + " allowCustomIsolationLevels and a"
                            + " jakarta.transaction.TransactionManager\\)"));
    List<TransactionException> outages =
        List.of(
            new CannotCreateTransactionException("not reachable"),
            new TransactionSystemException("not now"));
    assertThat(outages)
        .allSatisfy(
            failure ->
                assertThatThrownBy(
                        () ->
                            SpringTransactionRunner.create(failing(failure), database)
                                .run(tx -> null))
                    .isInstanceOfSatisfying(
                        StoreException.class,
                        e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
                    .hasMessage(
                        "COMMS-SPRING-004: begin: "
                            + failure.getClass().getSimpleName()
                            + ": nothing was done"));
  }

  @Test
  void aCommitThatSpringRefusesIsReportedByTheKindOfItsFailure() {
    Map<RuntimeException, FailureKind> failures =
        Map.of(
            new TransactionSystemException("lost"), FailureKind.UNKNOWN_RESULT,
            new CannotAcquireLockException("deadlock"), FailureKind.CONTENTION,
            new UnexpectedRollbackException("marked"), FailureKind.CONTENTION);
    failures.forEach(
        (failure, kind) -> {
          SpringTransactionRunner runner =
              SpringTransactionRunner.create(
                  new DataSourceTransactionManager(pool) {
                    @Override
                    protected void doCommit(DefaultTransactionStatus status) {
                      throw failure;
                    }
                  },
                  database);
          assertThatThrownBy(() -> runner.run(tx -> null))
              .isInstanceOfSatisfying(
                  StoreException.class, e -> assertThat(e.kind()).isEqualTo(kind))
              .hasMessage("COMMS-SPRING-005: commit failed: " + failure.getClass().getSimpleName());
        });
  }

  @Test
  void aConnectionThatIsLostInTheWorkIsTransient() {
    SpringTransactionRunner runner =
        SpringTransactionRunner.create(new DataSourceTransactionManager(pool), database);
    assertThatThrownBy(
            () ->
                runner.run(
                    tx -> {
                      throw new DataAccessResourceFailureException(
                          "select", new SQLException("reset", "08006"));
                    }))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
        .hasMessage("COMMS-SPRING-006: transaction: connection lost, rolled back");
  }

  /** Fails in every call, with failures that other layers throw. */
  private SpringTransactionRunner failingRunner(RuntimeException atCommit) {
    return SpringTransactionRunner.create(
        new DataSourceTransactionManager(pool) {
          private static final long serialVersionUID = 1L;
          private boolean fails;

          @Override
          protected void doBegin(Object transaction, TransactionDefinition definition) {
            super.doBegin(transaction, definition);
            fails = "commslib".equals(definition.getName());
          }

          @Override
          protected void doCommit(DefaultTransactionStatus status) {
            throw atCommit;
          }

          @Override
          protected void doRollback(DefaultTransactionStatus status) {
            super.doRollback(status);
            if (fails) {
              throw quoting(TransactionSystemException.class, null);
            }
          }
        },
        database);
  }

  private static RuntimeException quoting(
      Class<? extends RuntimeException> type, @Nullable SQLException cause) {
    try {
      return type.getConstructor(String.class, Throwable.class)
          .newInstance("SQL [insert into orders values ('SECRET')]; key SECRET", cause);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void noFailureOfACommitOrOfALostConnectionShowsValues() {
    List<Class<? extends RuntimeException>> layers =
        List.of(
            TransactionSystemException.class,
            UnexpectedRollbackException.class,
            CannotAcquireLockException.class,
            OptimisticLockingFailureException.class,
            DataIntegrityViolationException.class,
            DataAccessResourceFailureException.class);
    BatchUpdateException batch =
        new BatchUpdateException("Batch entry 0 'SECRET' was aborted", "08006", 0, new int[0]);
    List<@Nullable SQLException> causes = new ArrayList<>();
    causes.add(null);
    causes.add(batch);
    causes.add(new SQLException("deadlock\n  Where: SECRET", "40P01"));
    causes.add(new SQLException("Duplicate entry 'SECRET' for key", "23505"));
    for (Class<? extends RuntimeException> layer : layers) {
      for (SQLException cause : causes) {
        assertThatThrownBy(() -> failingRunner(quoting(layer, cause)).run(tx -> null))
            .as("%s, %s", layer, cause)
            .isInstanceOf(StoreException.class)
            .satisfies(SpringTransactionsTest::showsNoSecret);
      }
      assertThatThrownBy(
              () ->
                  failingRunner(quoting(layer, null))
                      .run(
                          tx -> {
                            throw quoting(layer, batch);
                          }))
          .hasMessage("COMMS-SPRING-006: transaction: connection lost, rolled back")
          .satisfies(SpringTransactionsTest::showsNoSecret);
    }
    IllegalStateException own = new IllegalStateException("the work's own words stay");
    assertThatThrownBy(
            () ->
                failingRunner(own)
                    .run(
                        tx -> {
                          throw own;
                        }))
        .isSameAs(own)
        .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(1))
        .satisfies(SpringTransactionsTest::showsNoSecret);
  }

  private static void showsNoSecret(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text, true));
    assertThat(text.toString()).doesNotContain("SECRET");
  }

  @Test
  void aTransactionThatTheLibraryHasMarkedRollbackOnlyDoesNotCommit() throws Exception {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                template.executeWithoutResult(
                    status -> {
                      publish("m1");
                      SpringTransactions.current(database).setRollbackOnly();
                    }))
        .withMessage(
            "COMMS-SPRING-003: transaction: marked rollback-only (expected: one that can commit;"
                + " the cause, if present, is the reason)");
    assertThat(messages()).isZero();
  }

  private static PlatformTransactionManager failing(TransactionException failure) {
    return new PlatformTransactionManager() {
      @Override
      public TransactionStatus getTransaction(TransactionDefinition definition) {
        throw failure;
      }

      @Override
      public void commit(TransactionStatus status) {}

      @Override
      public void rollback(TransactionStatus status) {}
    };
  }
}
