package io.commslib.saga;

import io.commslib.core.Health;
import io.commslib.core.spi.Failures;
import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes overdue sagas: claims some by lease, then moves each in a transaction of its own. A process
 * that dies in between leaves claims that end by themselves; a saga whose move fails for a passing
 * reason (database, hook) keeps its claim and is tried again when that ends, so that it does not
 * hold up the others; one whose definition fails is parked.
 */
final class OverdueSagas implements TimerThread.Work<SagaStore.Claimed> {

  private static final Logger log = LoggerFactory.getLogger(OverdueSagas.class);

  private final JdbcTransactionRunner transactions;
  private final SagaStore store;
  private final SagaMoves moves;
  private final Map<String, SagaDefinition<?>> definitions;
  private final SagaConfig config;
  private final String owner;
  private final TimeSource time;

  /** Sagas that are being moved, and since when. */
  private final Map<String, Long> inHand = new ConcurrentHashMap<>();

  /** What this thread has claimed and not moved yet. */
  private final ThreadLocal<List<SagaStore.Claimed>> held = ThreadLocal.withInitial(ArrayList::new);

  private volatile Health health = Health.of(Health.Status.UP, "", Map.of());

  OverdueSagas(
      JdbcTransactionRunner transactions,
      SagaStore store,
      SagaMoves moves,
      Map<String, SagaDefinition<?>> definitions,
      SagaConfig config,
      String owner,
      TimeSource time) {
    this.transactions = transactions;
    this.store = store;
    this.moves = moves;
    this.definitions = definitions;
    this.config = config;
    this.owner = owner;
    this.time = time;
  }

  Health health() {
    return health;
  }

  /** Ids of the sagas whose move has been running for longer than the lease. */
  List<String> stuck() {
    long now = time.nanoTime();
    return inHand.entrySet().stream()
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
    held.get().clear();
    held.get().addAll(claimed);
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
      held.get().remove(claim);
      // One that hangs here would hang the next thread too. Its lease keeps it for a while again.
      if (inHand.putIfAbsent(claim.id(), time.nanoTime()) == null) {
        try {
          failure = wake(claim, failure);
        } finally {
          inHand.remove(claim.id());
          // The interrupt flag that user code has left.
          Thread.interrupted();
        }
      }
    }
    health = measured(failure);
  }

  @Override
  public void giveBack() {
    List<SagaStore.Claimed> left = List.copyOf(held.get());
    held.get().clear();
    try {
      transactions.<Void, Exception>run(
          tx -> {
            for (SagaStore.Claimed claim : left) {
              store.release(tx.unwrap(Connection.class), claim);
            }
            return null;
          });
    } catch (Exception e) {
      log.warn("{} sagas keep their lease until it ends", left.size(), e);
    }
  }

  @Override
  public void failed(Throwable failure) {
    health =
        Health.of(Health.Status.DEGRADED, "last look failed: " + Failures.text(failure), Map.of());
    log.warn("overdue sagas can't be looked for", failure);
  }

  private String wake(SagaStore.Claimed claim, String failure) {
    try {
      move(claim);
      return failure;
    } catch (SagaMoves.PlanException e) {
      if (Failures.isOutage(e.failure())) {
        return again(claim, e.failure());
      }
      log.error("saga {} is parked: its definition failed", claim.id(), e);
      return park(claim, e, failure);
    } catch (Exception | Error e) {
      Optional<VirtualMachineError> jvm = Failures.jvmFailure(e);
      if (jvm.isPresent()) {
        throw jvm.get();
      }
      return again(claim, e);
    }
  }

  private static String again(SagaStore.Claimed claim, Throwable failure) {
    log.warn("saga {} could not be woken, it is tried again", claim.id(), failure);
    return "saga " + claim.id() + ": " + Failures.text(failure);
  }

  private String park(SagaStore.Claimed claim, SagaMoves.PlanException cause, String failure) {
    // The class of the failure only: its text may hold parts of the state.
    String reason = "definition failed: " + cause.failure().getClass().getName();
    try {
      transactions.<Void, Exception>run(
          tx -> {
            Connection connection = tx.unwrap(Connection.class);
            Optional<StoredSaga> stored = store.load(connection, claim.id());
            if (stored.isPresent() && stored.get().version() == claim.version()) {
              store.park(connection, stored.get(), reason);
            }
            return null;
          });
      return failure;
    } catch (Exception e) {
      log.warn("saga {} could not be parked, it is tried again", claim.id(), e);
      return "saga " + claim.id() + ": " + e;
    }
  }

  private void move(SagaStore.Claimed claim) throws Exception {
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
              && moves.apply(tx, definition, stored.get(), new Input.TimerDue(), null)
                  == SagaMoves.Outcome.IGNORED) {
            store.release(connection, claim);
          }
          return null;
        });
  }

  private Health measured(String failure) throws Exception {
    return transactions.<Health, Exception>run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          List<SagaStore.Overdue> overdue = store.overdue(connection);
          long parked = store.count(connection, SagaStatus.PARKED);
          return health(overdue, parked, failure);
        });
  }

  private Health health(List<SagaStore.Overdue> overdue, long parked, String failure) {
    Map<String, String> details = new TreeMap<>();
    long oldest = overdue.stream().mapToLong(o -> o.age().toSeconds()).max().orElse(0);
    details.put("oldestOverdueSeconds", Long.toString(oldest));
    details.put(
        "overdue", Long.toString(overdue.stream().mapToLong(SagaStore.Overdue::count).sum()));
    details.put("parked", Long.toString(parked));
    List<String> unknown =
        overdue.stream()
            .map(o -> SagaDefinition.id(o.type(), o.version()))
            .filter(id -> !definitions.containsKey(id))
            .sorted()
            .toList();
    String reason =
        !unknown.isEmpty()
            ? "overdue sagas of unknown definitions: " + unknown
            : !failure.isEmpty() ? failure : parked > 0 ? parked + " sagas parked" : "";
    return Health.of(reason.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, reason, details);
  }
}
