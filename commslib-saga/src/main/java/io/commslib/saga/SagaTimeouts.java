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
 * Wakes overdue sagas: claims some by lease, then moves each in a transaction of its own. A process
 * that dies in between leaves claims that end by themselves. A saga whose definition fails is
 * parked. One whose move fails otherwise (hook, outbox, statement) is woken again after a growing
 * wait, so that it does not delay the others; each failure is a line of its history, and with the
 * tenth in a row it is parked. What is out of reach does not count.
 */
final class SagaTimeouts implements TimerThreads.TimerTask<SagaStore.Claimed> {

  /** Failed wake-ups of a saga, one after the other, after which it is parked. */
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

  /** Sagas that are being moved, and since when. */
  private final Map<String, Long> inProgress = new ConcurrentHashMap<>();

  /** What this thread has claimed and not moved yet. */
  private final ThreadLocal<List<SagaStore.Claimed>> claimedByThread =
      ThreadLocal.withInitial(ArrayList::new);

  /** Of a saga that is woken again; without meaning if there is none. */
  private volatile String lastFailure = "";

  private volatile Health health = Health.of(Health.Status.UP, "", Map.of());

  SagaTimeouts(
      JdbcTransactionRunner transactions,
      SagaStore store,
      SagaTransitions moves,
      Map<String, SagaDefinition<?>> definitions,
      SagaConfig config,
      String owner,
      TimeSource time,
      SagaEvents events) {
    this.transactions = transactions;
    this.store = store;
    this.transitions = moves;
    this.definitions = definitions;
    this.config = config;
    this.owner = owner;
    this.time = time;
    this.events = events;
  }

  Health health() {
    return health;
  }

  /** Ids of the sagas whose move has been running for longer than the lease. */
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
      // The one under way keeps its lease if the JVM fails: another process takes it later.
      claimedByThread.get().remove(claim);
      Long since = inProgress.putIfAbsent(claim.id(), time.nanoTime());
      if (since == null) {
        try {
          failure = wake(claim, failure);
        } finally {
          inProgress.remove(claim.id());
          // The interrupt flag that user code has left.
          Thread.interrupted();
        }
      } else if (time.nanoTime() - since <= config.lease().toNanos()) {
        // Its failure is written down, and the thread that did it is about to let go of it.
        inTransaction((tx, connection) -> store.postpone(connection, claim, config.pollInterval()));
      }
      // One that hangs here would hang this thread too. Its lease keeps it for a while again.
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
      events.failed(left.size() + " sagas keep their lease until it ends", e);
    }
  }

  @Override
  public void failed(Throwable failure) {
    health =
        Health.of(
            Health.Status.DEGRADED,
            "last look failed: " + Failures.text(SagaEvents.withoutValues(failure)),
            Map.of());
    events.failed("overdue sagas can't be looked for", failure);
  }

  /** Returns the text of a failure that could not be stored, or {@code failure}. */
  private String wake(SagaStore.Claimed claim, String failure) {
    try {
      if (!claim.isAbandoned() || recordAbandoned(claim)) {
        applyTimeout(claim);
      }
      return failure;
    } catch (Throwable e) {
      // The interrupt flag that user code has left would fail what is written next.
      Thread.interrupted();
      Throwable cause =
          e instanceof DefinitionFailedException plan ? plan.failure() : e;
      String untold = handleFailure(claim, cause, cause != e);
      Optional<VirtualMachineError> jvm = Failures.jvmFailure(cause);
      if (jvm.isPresent()) {
        throw jvm.get();
      }
      return untold.isEmpty() ? failure : untold;
    }
  }

  private String handleFailure(SagaStore.Claimed claim, Throwable cause, boolean isDefinition) {
    try {
      if (isOutage(cause)) {
        events.failed("saga " + claim.id() + " could not be woken, it is tried again", cause);
        // Also after a lost connection: a claim that is left to its lease counts as a failure.
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
      events.failed("a failure of saga " + claim.id() + " could not be written down", e);
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

  /** Not counted: something else is out of reach. */
  private void postpone(SagaStore.Claimed claim, Throwable cause) throws SQLException {
    lastFailure = describe(claim, cause);
    inTransaction((tx, connection) -> store.postpone(connection, claim, config.lease()));
  }

  /**
   * Counts a wake-up whose beginning is known and whose end is not, before it begins again: what
   * ends a process must not end every process in turn. False if the saga was parked, or moved.
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

  /** Counts a failure in the saga's history, and parks the saga at the last one. */
  private void recordFailure(SagaStore.Claimed claim, String what, Throwable cause)
      throws Exception {
    inTransaction(
        (tx, connection) -> {
          int number = store.failures(connection, claim.id()) + 1;
          Duration wait = backoff(number);
          if (!store.postpone(connection, claim, wait)) {
            return null;
          }
          appendFailure(connection, claim, number, what);
          if (number >= MAX_FAILURES) {
            park(tx, claim, parkReason(number, what), cause);
          } else {
            lastFailure = describe(claim, cause);
            tx.afterCommit(() -> events.failed(claim.id(), number, cause, wait));
          }
          return null;
        });
  }

  private static String parkReason(int number, String last) {
    return "could not be woken " + number + " times, last: " + last;
  }

  private void appendFailure(
      Connection connection, SagaStore.Claimed claim, int number, String what) throws SQLException {
    // The class of a failure only: its text may hold parts of the state.
    Decision.LogLine line = new Decision.LogLine(SagaLogEntry.Kind.FAILED, "", number, "", what);
    store.append(connection, claim.id(), List.of(line));
  }

  /** The wait after a failure: the poll interval, then twice as long each time. */
  private Duration backoff(int number) {
    Duration wait = config.pollInterval().multipliedBy(1L << (number - 1));
    return wait.compareTo(MAX_BACKOFF) > 0 ? MAX_BACKOFF : wait;
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
          // A reply has moved it since: it carries a wake-up time of its own.
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
      // Of another process nothing is known but the count.
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
