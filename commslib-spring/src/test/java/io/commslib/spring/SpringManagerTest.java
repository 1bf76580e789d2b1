package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.dao.OptimisticLockingFailureException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.transaction.InvalidIsolationLevelException;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;

/** Effects on messages of a transaction manager that is unsuitable or does not commit. */
class SpringManagerTest {

  private static final Destination ORDERS = Destination.queue("orders");

  @TempDir Path folder;
  private HikariDataSource pool;
  private HikariDataSource other;
  private JdbcDatabase database;

  @BeforeEach
  void open() {
    pool = TestDatabases.h2(folder);
    other = TestDatabases.h2(folder);
    database = JdbcDatabase.builder(pool).build();
  }

  @AfterEach
  void close() {
    other.close();
    pool.close();
  }

  /** A manager that begins and ends but binds no connection, like a JTA manager. */
  private static class Unbound extends AbstractPlatformTransactionManager {

    private static final long serialVersionUID = 1L;

    @Override
    protected Object doGetTransaction() {
      return this;
    }

    @Override
    protected void doBegin(Object transaction, TransactionDefinition definition) {}

    @Override
    protected void doCommit(DefaultTransactionStatus status) {}

    @Override
    protected void doRollback(DefaultTransactionStatus status) {}
  }

  /** Managers whose transactions would not include the library's writes. */
  private List<PlatformTransactionManager> unfit() {
    DataSourceTransactionManager unsynchronized = new DataSourceTransactionManager(pool);
    unsynchronized.setTransactionSynchronization(
        AbstractPlatformTransactionManager.SYNCHRONIZATION_NEVER);
    return List.of(new DataSourceTransactionManager(other), unsynchronized, new Unbound());
  }

  @Test
  void aManagerThatDoesNotBindTheDataSourceIsRefusedWhenTheRunnerIsCreated() {
    for (PlatformTransactionManager manager : unfit()) {
      assertThatThrownBy(() -> SpringTransactionRunner.create(manager, database))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
          .hasMessageStartingWith("COMMS-SPRING-002: transaction manager: ");
    }
  }

  @Test
  void aManagerFoundUnsuitableLaterConsumesNoAttempt() {
    List<PlatformTransactionManager> managers = new ArrayList<>(unfit());
    managers.add(
        new DataSourceTransactionManager(pool) {
          private static final long serialVersionUID = 1L;

          @Override
          protected void doBegin(Object transaction, TransactionDefinition definition) {
            throw new InvalidIsolationLevelException("no custom isolation levels, as JTA's");
          }
        });
    for (PlatformTransactionManager manager : managers) {
      AtomicReference<PlatformTransactionManager> now = new AtomicReference<>();
      SpringTransactionRunner runner =
          SpringTransactionRunner.create(delegatingOnceReached(now), database);
      now.set(manager);
      assertPauses(
          runner, "COMMS-SPRING-00", () -> now.set(new DataSourceTransactionManager(pool)));
    }
  }

  /** A data source that fails until a manager is set. */
  private static PlatformTransactionManager delegatingOnceReached(
      AtomicReference<PlatformTransactionManager> now) {
    return new PlatformTransactionManager() {
      @Override
      public TransactionStatus getTransaction(TransactionDefinition definition) {
        if (now.get() == null) {
          throw new CannotCreateTransactionException("not reachable");
        }
        return now.get().getTransaction(definition);
      }

      @Override
      public void commit(TransactionStatus status) {
        now.get().commit(status);
      }

      @Override
      public void rollback(TransactionStatus status) {
        now.get().rollback(status);
      }
    };
  }

  private static void assertPauses(SpringTransactionRunner runner, String code, Runnable repair) {
    VirtualTime time = VirtualTime.create();
    List<Integer> attempts = new ArrayList<>();
    try (InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(ORDERS)
                      .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build())
                      .transactional(runner)
                      .build(),
                  delivery -> {
                    attempts.add(delivery.attempt());
                    return Settlement.done();
                  });
      transport.publisher().publish(ORDERS, Message.builder("order.placed").build());
      time.advance(Duration.ofMinutes(1));
      assertThat(transport.deadLetters().list(ORDERS, "main", 1)).isEmpty();
      assertThat(attempts).isEmpty();
      assertThat(subscription.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(subscription.health().reason()).contains(code);
      repair.run();
      time.advance(Duration.ofMinutes(1));
      assertThat(attempts).containsExactly(1);
    }
  }

  /** Failures of a commit, with their kinds. */
  private static final Map<RuntimeException, FailureKind> COMMITS =
      Map.ofEntries(
          Map.entry(new TransactionSystemException("no word"), FailureKind.UNKNOWN_RESULT),
          Map.entry(
              new TransactionSystemException("commit", new SQLException("gone", "08006")),
              FailureKind.UNKNOWN_RESULT),
          Map.entry(
              new DataAccessResourceFailureException("flush", new SQLException("gone", "08006")),
              FailureKind.UNKNOWN_RESULT),
          Map.entry(
              new QueryTimeoutException("flush", new SQLException("cut", "57014")),
              FailureKind.TRANSIENT),
          Map.entry(
              new TransactionSystemException("deferred", new SQLException("key", "23503")),
              FailureKind.CONTENTION),
          Map.entry(
              new DataIntegrityViolationException("flush", new SQLException("key", "23503")),
              FailureKind.CONTENTION),
          Map.entry(
              new DataIntegrityViolationException("flush", new SQLException("long", "22001")),
              FailureKind.CONTENTION),
          Map.entry(new DuplicateKeyException("flush"), FailureKind.CONTENTION),
          Map.entry(new UnexpectedRollbackException("marked"), FailureKind.CONTENTION),
          Map.entry(new OptimisticLockingFailureException("version"), FailureKind.CONTENTION));

  @Test
  void noFailedCommitDeadLettersAMessageImmediately() {
    COMMITS.forEach(
        (failure, kind) -> {
          PlatformTransactionManager refusing =
              new DataSourceTransactionManager(pool) {
                private static final long serialVersionUID = 1L;

                @Override
                protected void doCommit(DefaultTransactionStatus status) {
                  throw failure;
                }
              };
          assertThatThrownBy(
                  () -> SpringTransactionRunner.create(refusing, database).run(tx -> null))
              .as(failure.toString())
              .isInstanceOfSatisfying(
                  StoreException.class, e -> assertThat(e.kind()).isEqualTo(kind));
        });
  }
}
