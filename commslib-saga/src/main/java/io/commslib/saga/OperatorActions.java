package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;

/**
 * Applies the inputs of an operator to a saga, each in a transaction of its own. Decides again
 * after a write conflict. Thread-safe.
 */
final class OperatorActions {

  private static final int MAX_CONFLICT_RETRIES = 10;

  private final JdbcTransactionRunner transactions;
  private final SagaStore store;
  private final SagaTransitions transitions;
  private final Map<String, SagaDefinition<?>> definitions;

  OperatorActions(
      JdbcTransactionRunner transactions,
      SagaStore store,
      SagaTransitions transitions,
      Map<String, SagaDefinition<?>> definitions) {
    this.transactions = transactions;
    this.store = store;
    this.transitions = transitions;
    this.definitions = definitions;
  }

  /** Applies an input; returns false if there is no such saga or it refuses the input. */
  boolean apply(String sagaId, String actor, String reason, Input input) {
    Checks.inRange("actor length", actor.length(), 1, 100);
    Checks.inRange("reason length", reason.length(), 0, 1_000);
    for (int attempt = 0; attempt < MAX_CONFLICT_RETRIES; attempt++) {
      try {
        SagaTransitions.Outcome outcome =
            transactions.<SagaTransitions.Outcome, Exception>run(tx -> apply(tx, sagaId, input));
        if (outcome != SagaTransitions.Outcome.CONFLICT) {
          return outcome == SagaTransitions.Outcome.APPLIED;
        }
      } catch (SagaTransitions.RefusedException e) {
        return false;
      } catch (SQLException e) {
        throw SqlErrors.translate("saga", e);
      } catch (StoreException | SagaException e) {
        throw e;
      } catch (DefinitionFailedException e) {
        throw definitionFailed(sagaId, e.failure());
      } catch (Exception | Error e) {
        Optional<VirtualMachineError> jvm = Failures.jvmFailure(e);
        if (jvm.isPresent()) {
          throw jvm.get();
        }
        throw definitionFailed(sagaId, e);
      }
    }
    throw SagaEngine.contention(sagaId);
  }

  private SagaTransitions.Outcome apply(TransactionContext tx, String sagaId, Input input)
      throws Exception {
    Optional<StoredSaga> stored = store.load(tx.unwrap(Connection.class), sagaId);
    if (stored.isEmpty()) {
      return SagaTransitions.Outcome.IGNORED;
    }
    String id = SagaDefinition.id(stored.get().type(), stored.get().definitionVersion());
    SagaDefinition<?> definition = definitions.get(id);
    if (definition == null) {
      throw new SagaException(
          "COMMS-SAGA-002",
          FailureKind.PERMANENT,
          "saga " + sagaId + ": " + id + " (expected: one of " + definitions.keySet() + ")",
          null);
    }
    return transitions.apply(tx, definition, stored.get(), input, null);
  }

  private static SagaException definitionFailed(String sagaId, Throwable cause) {
    return new SagaException(
        "COMMS-SAGA-004",
        FailureKind.PERMANENT,
        "saga "
            + sagaId
            + ": a function or hook of its definition threw "
            + cause.getClass().getName(),
        SagaEvents.withoutValues(cause));
  }
}
