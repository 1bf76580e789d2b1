package io.commslib.saga;

import io.commslib.core.Failures;
import io.commslib.core.Health;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Wakes overdue sagas: claims a batch by lease, then applies the timeout of each saga in a
 * transaction of its own. If the process dies in between, the leases expire. A saga whose
 * definition fails is parked. A saga that can't be woken for another reason (hook, outbox,
 * statement) is woken again after a growing backoff, so that it does not delay the others. Each
 * such failure is an entry of its history, and the tenth in a row parks it. Outages do not count.
 */
final class SagaTimeouts implements TimerThreads.TimerTask<SagaStore.Claimed> {

  /** Number of consecutive failed wake-ups after which a saga is parked. */
  static final int MAX_FAILURES = 10;

  private static final Duration MAX_BACKOFF = Duration.ofMinutes(10);

  private final JdbcTransactionRunner transactions;
  private final SagaStore store;
  private final SagaTransitions transitions;
  private final Map<String, SagaDefinition<?>> definitions;
  private final SagaConfig config;
  private final String owner;
  private final TimeSource time;
  private final SagaEvents events;

  /** Start of the wake-up in progress, by id of the saga. */
  private final Map<String, Long> inProgress = new ConcurrentHashMap<>();

  /** Claims of this thread that it has not started yet. */
  private final ThreadLocal<List<SagaStore.Claimed>> claimedByThread =
      ThreadLocal.withInitial(ArrayList::new);

  /** Last failure of a saga that is woken again; meaningless if there is no such saga. */
  private volatile String lastFailure = "";

  private volatile Health health = Health.of(Health.Status.UP, "", Map.of());

  SagaTimeouts(
      JdbcTransactionRunner transactions,
      SagaStore store,
      SagaTransitions transitions,
      Map<String, SagaDefinition<?>> definitions,
      SagaConfig config,
      String owner,
      TimeSource time,
      SagaEvents events) {
    this.transactions = transactions;
    this.store = store;
    this.transitions = transitions;
    this.definitions = definitions;
    this.config = config;
    this.owner = owner;
    this.time = time;
    this.events = events;
  }

  Health health() {
    return health;
  }

  /** {@return the ids of the sagas whose wake-up has been running for longer than the lease} */
  List<String> stuck() {
    long now = time.nanoTime();
    return inProgress.entrySet().stream()
        .filter(entry -> now - entry.getValue() > config.lease().toNanos())
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  @Override
  public List<SagaStore.Claimed> claim() throws Exception {
    List<SagaStore.Claimed> claimed =
        transactions.<List<SagaStore.Claimed>, Exception>run(
            tx ->
                store.claim(
                    tx.unwrap(Connection.class),
                    definitions.values(),
                    config.batchSize(),
                    owner,
                    config.lease()));
    claimedByThread.get().clear();
    claimedByThread.get().addAll(claimed);
    return claimed;
  }

  @Override
  public boolean isFull(List<SagaStore.Claimed> claimed) {
    return claimed.size() == config.batchSize();
  }

  @Override
  public void run(List<SagaStore.Claimed> claimed) throws Exception {
    String failure = "";
    for (SagaStore.Claimed claim : claimed) {
      // The saga in progress keeps its lease if the JVM fails: another process claims it later.
      claimedByThread.get().remove(claim);
      Long since = inProgress.putIfAbsent(claim.id(), time.nanoTime());
      if (since == null) {
        try {
          failure = wake(claim, failure);
        } finally {
          inProgress.remove(claim.id());
          // Clears an interrupt flag left by user code.
          Thread.interrupted();
        }
      } else if (time.nanoTime() - since <= config.lease().toNanos()) {
        // Its failure is already recorded, and the other thread is about to finish with it.
        inTransaction((tx, connection) -> store.postpone(connection, claim, config.pollInterval()));
      }
      // Otherwise it hangs on another thread and would hang this one too. The new lease defers it.
    }
    health = readHealth(failure);
  }

  @Override
  public void releaseUnfinished() {
    List<SagaStore.Claimed> left = List.copyOf(claimedByThread.get());
    claimedByThread.get().clear();
    try {
      transactions.<Void, Exception>run(
          tx -> {
            for (SagaStore.Claimed claim : left) {
              store.release(tx.unwrap(Connection.class), claim);
            }
            return null;
          });
    } catch (Exception e) {
      events.componentFailed(left.size() + " sagas keep their lease until it ends", e);
    }
  }

  @Override
  public void failed(Throwable failure) {
    health =
        Health.of(
            Health.Status.DEGRADED,
            "last poll failed: " + Failures.text(SagaEvents.withoutValues(failure)),
            Map.of());
    events.componentFailed("can't poll for overdue sagas", failure);
  }

  /** Returns the text of a failure that could not be recorded, otherwise {@code failure}. */
  private String wake(SagaStore.Claimed claim, String failure) {
    try {
      if (!claim.isAbandoned() || recordAbandoned(claim)) {
        applyTimeout(claim);
      }
      return failure;
    } catch (Throwable e) {
      // Clears an interrupt flag left by user code, which would fail the next statement.
      Thread.interrupted();
      Throwable cause = e instanceof DefinitionFailedException failed ? failed.failure() : e;
      String unrecorded = handleFailure(claim, cause, cause != e);
      Optional<VirtualMachineError> jvm = Failures.jvmFailure(cause);
      if (jvm.isPresent()) {
        throw jvm.get();
      }
      return unrecorded.isEmpty() ? failure : unrecorded;
    }
  }

  private String handleFailure(SagaStore.Claimed claim, Throwable cause, boolean isDefinition) {
    try {
      if (isOutage(cause)) {
        events.componentFailed(
            "saga " + claim.id() + " could not be woken and is woken again", cause);
        // Also after a lost connection: a claim whose lease expires would count as a failure.
        postpone(claim, cause);
        return "";
      }
      if (isDefinition && !Failures.isJvmFailure(cause)) {
        park(claim, "definition failed: " + cause.getClass().getName(), cause);
      } else {
        recordFailure(claim, cause.getClass().getName(), cause);
      }
      return "";
    } catch (Throwable e) {
      // The lease expires, and the next process that claims the saga counts this as a failure.
      events.componentFailed("a failure of saga " + claim.id() + " could not be recorded", e);
      return describe(claim, cause);
    }
  }

  private static boolean isOutage(Throwable cause) {
    if (Failures.known(cause).isPresent()) {
      return Failures.isOutage(cause);
    }
    return Failures.find(cause, SQLException.class)
        .filter(sql -> Failures.isOutage(SqlErrors.translate("saga", sql)))
        .isPresent();
  }

  private static String describe(SagaStore.Claimed claim, Throwable cause) {
    return "saga " + claim.id() + ": " + Failures.text(SagaEvents.withoutValues(cause));
  }

  /** Defers the saga without counting a failure: a system that it needs is unavailable. */
  private void postpone(SagaStore.Claimed claim, Throwable cause) throws SQLException {
    lastFailure = describe(claim, cause);
    inTransaction((tx, connection) -> store.postpone(connection, claim, config.lease()));
  }

  /**
   * Records a wake-up that started and never ended as a failure before the saga is woken again, so
   * that a saga that kills its process does not kill every process in turn. Returns false if the
   * saga was parked, or changed since.
   */
  private boolean recordAbandoned(SagaStore.Claimed claim) throws Exception {
    return inTransaction(
        (tx, connection) -> {
          if (!store.renew(connection, claim, config.lease())) {
            return false;
          }
          int number = store.failures(connection, claim.id()) + 1;
          if (number > MAX_FAILURES) {
            park(tx, claim, parkReason(number - 1, "the process ended, or it hangs"), null);
            return false;
          }
          appendFailure(connection, claim, number, "an earlier wake-up has not ended");
          return true;
        });
  }

  /** Records a failure in the saga's history, and parks the saga at the last one. */
  private void recordFailure(SagaStore.Claimed claim, String what, Throwable cause)
      throws Exception {
    inTransaction(
        (tx, connection) -> {
          int number = store.failures(connection, claim.id()) + 1;
          Duration backoff = backoff(number);
          if (!store.postpone(connection, claim, backoff)) {
            return null;
          }
          appendFailure(connection, claim, number, what);
          if (number >= MAX_FAILURES) {
            park(tx, claim, parkReason(number, what), cause);
          } else {
            lastFailure = describe(claim, cause);
            tx.afterCommit(() -> events.wakeFailed(claim.id(), number, cause, backoff));
          }
          return null;
        });
  }

  private static String parkReason(int number, String last) {
    return "could not be woken " + number + " times, last: " + last;
  }

  private void appendFailure(
      Connection connection, SagaStore.Claimed claim, int number, String what) throws SQLException {
    // Only the class of the failure, since its text may contain parts of the state.
    Decision.LogLine line = new Decision.LogLine(SagaLogEntry.Kind.FAILED, "", number, "", what);
    store.append(connection, claim.id(), List.of(line));
  }

  /** {@return the wait after a failure: the poll interval, doubled with each further failure} */
  private Duration backoff(int number) {
    Duration backoff = config.pollInterval().multipliedBy(1L << (number - 1));
    return backoff.compareTo(MAX_BACKOFF) > 0 ? MAX_BACKOFF : backoff;
  }

  private void park(SagaStore.Claimed claim, String reason, Throwable cause) throws Exception {
    inTransaction(
        (tx, connection) -> {
          park(tx, claim, reason, cause);
          return null;
        });
  }

  private void park(
      TransactionContext tx, SagaStore.Claimed claim, String reason, @Nullable Throwable cause)
      throws SQLException {
    Connection connection = tx.unwrap(Connection.class);
    Optional<StoredSaga> stored = store.load(connection, claim.id());
    if (stored.isPresent() && stored.get().version() == claim.version()) {
      store.park(connection, stored.get(), reason);
      tx.afterCommit(() -> events.parked(claim.id(), 0, reason, cause));
    }
  }

  private interface Work<T> {
    T run(TransactionContext tx, Connection connection) throws SQLException;
  }

  private <T> T inTransaction(Work<T> work) throws SQLException {
    return transactions.<T, SQLException>run(tx -> work.run(tx, tx.unwrap(Connection.class)));
  }

  private void applyTimeout(SagaStore.Claimed claim) throws Exception {
    transactions.<Void, Exception>run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          Optional<StoredSaga> stored = store.load(connection, claim.id());
          // A reply has changed it since and has set a new wake-up time.
          if (stored.isEmpty() || stored.get().version() != claim.version()) {
            return null;
          }
          SagaDefinition<?> definition =
              definitions.get(
                  SagaDefinition.id(stored.get().type(), stored.get().definitionVersion()));
          if (definition != null
              && transitions.apply(tx, definition, stored.get(), new Input.TimerDue(), null)
                  == SagaTransitions.Outcome.IGNORED) {
            store.release(connection, claim);
          }
          return null;
        });
  }

  private Health readHealth(String failure) throws Exception {
    return transactions.<Health, Exception>run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          List<SagaStore.OverdueCount> overdue = store.overdue(connection);
          long parked = store.count(connection, SagaStatus.PARKED);
          return health(overdue, parked, failure);
        });
  }

  private Health health(List<SagaStore.OverdueCount> overdue, long parked, String failure) {
    Map<String, String> details = new TreeMap<>();
    long failing = overdue.stream().mapToLong(SagaStore.OverdueCount::failing).sum();
    long oldest = overdue.stream().mapToLong(o -> o.age().toSeconds()).max().orElse(0);
    details.put("oldestOverdueSeconds", Long.toString(oldest));
    details.put(
        "overdue", Long.toString(overdue.stream().mapToLong(SagaStore.OverdueCount::count).sum()));
    details.put("failing", Long.toString(failing));
    details.put("parked", Long.toString(parked));
    List<String> unknown =
        overdue.stream()
            .map(o -> SagaDefinition.id(o.type(), o.version()))
            .filter(id -> !definitions.containsKey(id))
            .sorted()
            .toList();
    String reason = parked > 0 ? parked + " sagas parked" : "";
    if (failing > 0) {
      // The failures of other processes are known by their number only.
      String last = lastFailure.isEmpty() ? "" : ", last: " + lastFailure;
      reason = failing + " sagas could not be woken and are woken again" + last;
    }
    if (!failure.isEmpty()) {
      reason = failure;
    }
    if (!unknown.isEmpty()) {
      reason = "overdue sagas of unknown definitions: " + unknown;
    }
    return Health.of(reason.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, reason, details);
  }
}
