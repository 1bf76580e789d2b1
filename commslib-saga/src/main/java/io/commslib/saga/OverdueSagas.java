package io.commslib.saga;

import io.commslib.core.Health;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes overdue sagas: claims some by lease, then moves each in a transaction of its own. A process
 * that dies in between leaves claims that end by themselves; a saga whose move fails for a passing
 * reason (database, hook) keeps its claim and is tried again when that ends, so that it does not
 * hold up the others; one whose definition fails is parked.
 */
final class OverdueSagas {

  private static final Logger log = LoggerFactory.getLogger(OverdueSagas.class);

  private final JdbcTransactionRunner transactions;
  private final SagaStore store;
  private final SagaMoves moves;
  private final Map<String, SagaDefinition<?>> definitions;
  private final SagaConfig config;
  private final String owner;
  private volatile Health health = Health.of(Health.Status.UP, "", Map.of());

  OverdueSagas(
      JdbcTransactionRunner transactions,
      SagaStore store,
      SagaMoves moves,
      Map<String, SagaDefinition<?>> definitions,
      SagaConfig config,
      String owner) {
    this.transactions = transactions;
    this.store = store;
    this.moves = moves;
    this.definitions = definitions;
    this.config = config;
    this.owner = owner;
  }

  Health health() {
    return health;
  }

  /** One look; returns whether more may be waiting. Never throws: the next look tries again. */
  boolean look() {
    try {
      List<SagaStore.Claimed> claimed =
          transactions.<List<SagaStore.Claimed>, Exception>run(
              tx ->
                  store.claim(
                      tx.unwrap(Connection.class),
                      definitions.values(),
                      config.batchSize(),
                      owner,
                      config.lease()));
      String failure = "";
      for (SagaStore.Claimed claim : claimed) {
        failure = wake(claim, failure);
      }
      health = measured(failure);
      return claimed.size() == config.batchSize();
    } catch (Exception e) {
      log.warn("overdue sagas can't be looked for", e);
      health = Health.of(Health.Status.DEGRADED, "last look failed: " + e, Map.of());
      return false;
    }
  }

  private String wake(SagaStore.Claimed claim, String failure) {
    try {
      move(claim);
      return failure;
    } catch (SagaMoves.PlanException e) {
      log.error("saga {} is parked: its definition failed", claim.id(), e);
      return park(claim, e, failure);
    } catch (Exception e) {
      log.warn("saga {} could not be woken, it is tried again", claim.id(), e);
      return "saga " + claim.id() + ": " + e;
    }
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
