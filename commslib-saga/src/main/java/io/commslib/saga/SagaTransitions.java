package io.commslib.saga;

import io.commslib.core.Failures;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import io.commslib.outbox.Outbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Applies the decisions of {@link Decider}: writes row, history and commands and runs the hooks,
 * all in the caller's transaction.
 */
final class SagaTransitions {

  /** Outcome of an input. */
  enum Outcome {
    APPLIED,
    IGNORED,
    /** Another transaction changed the saga first: load it and decide again. */
    CONFLICT
  }

  /** The saga refuses the input in its current state. */
  static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String reason) {
      super(reason, null, false, false);
    }

    String reason() {
      return Objects.requireNonNull(getMessage());
    }
  }

  private record Publication(Destination to, Message message) {}

  private record Plan<S>(
      Decision.Transition<S> transition, byte[] data, List<Publication> publications) {}

  private final SagaStore store;
  private final TypeRegistry types;
  private final Codec codec;
  private final Outbox outbox;
  private final TimeSource time;
  private final SagaEvents events;

  SagaTransitions(
      SagaStore store,
      TypeRegistry types,
      Codec codec,
      Outbox outbox,
      TimeSource time,
      SagaEvents events) {
    this.store = store;
    this.types = types;
    this.codec = codec;
    this.outbox = outbox;
    this.time = time;
    this.events = events;
  }

  /** Starts a saga; false if one of its type and business key exists. */
  <S> boolean start(
      TransactionContext tx, SagaDefinition<S> definition, String id, String businessKey, S state)
      throws SQLException {
    Instance<S> initial = Instance.initial(definition, id, businessKey, state);
    // Only the distance to the wake-up time is used: the database adds it to its own clock.
    Decision<S> decision = Decider.decide(definition, initial, new Input.Start(), Instant.EPOCH);
    Plan<S> plan = plan(definition, (Decision.Transition<S>) decision, null);
    Instance<S> next = plan.transition().next();
    Duration wakeIn = Duration.between(Instant.EPOCH, Objects.requireNonNull(next.wakeAt()));
    Connection connection = tx.unwrap(Connection.class);
    if (!store.insert(connection, definition, next, plan.data(), wakeIn)) {
      return false;
    }
    store.append(connection, id, plan.transition().log());
    publish(tx, plan);
    return true;
  }

  /**
   * Applies an input to a saga.
   *
   * @param cause the message that carried the input, for the trace
   * @throws RefusedException if the saga refuses the input; nothing was written
   * @throws DefinitionFailedException if a user's function failed; nothing was written
   * @throws Exception a failure of a hook; the transaction must roll back
   */
  <S> Outcome apply(
      TransactionContext tx,
      SagaDefinition<S> definition,
      StoredSaga before,
      Input input,
      @Nullable Message cause)
      throws Exception {
    Plan<S> plan;
    try {
      S state =
          Objects.requireNonNull(
              codec.decode(before.data(), definition.stateType()), "state read by the codec");
      Decision<S> decision =
          Decider.decide(definition, before.instance(definition, state), input, before.readAt());
      if (decision instanceof Decision.Ignore<S>) {
        return Outcome.IGNORED;
      }
      if (decision instanceof Decision.Refuse<S> refuse) {
        throw new RefusedException(refuse.reason());
      }
      plan = plan(definition, (Decision.Transition<S>) decision, cause);
    } catch (RefusedException e) {
      throw e;
    } catch (Throwable e) {
      // Throwable, since code in other languages throws checked exceptions that it does not
      // declare.
      // An error of the JVM is no failure of the definition.
      Optional<VirtualMachineError> jvm = Failures.jvmFailure(e);
      if (jvm.isPresent()) {
        throw jvm.get();
      }
      throw new DefinitionFailedException(e);
    }
    Connection connection = tx.unwrap(Connection.class);
    Instance<S> next = plan.transition().next();
    if (!store.update(connection, before, definition, next, plan.data())) {
      return Outcome.CONFLICT;
    }
    store.append(connection, before.id(), plan.transition().log());
    publish(tx, plan);
    reportIfParked(tx, before, plan.transition());
    for (Effect effect : plan.transition().effects()) {
      if (effect instanceof Effect.End end) {
        for (SagaHook<S> hook : definition.hooks(end.status())) {
          hook.run(next.state(), tx);
        }
      }
    }
    return Outcome.APPLIED;
  }

  /** Runs everything that a user's mistake can make fail, before anything is written. */
  private <S> Plan<S> plan(
      SagaDefinition<S> definition, Decision.Transition<S> transition, @Nullable Message cause) {
    List<Publication> publications = new ArrayList<>();
    for (Effect effect : transition.effects()) {
      if (effect instanceof Effect.Send send) {
        Message.Builder message =
            types
                .message(send.body())
                .id(send.messageId())
                .source("/saga/" + definition.name())
                .time(time.now())
                .correlationId(transition.next().id())
                .key(send.key());
        if (send.undoes() != null) {
          message.causationId(send.undoes());
        }
        if (cause != null) {
          cause.traceparent().ifPresent(message::traceparent);
        }
        publications.add(new Publication(send.to(), message.build()));
      }
    }
    byte[] data =
        Objects.requireNonNull(codec.encode(transition.next().state()), "bytes made by the codec");
    return new Plan<>(transition, data, publications);
  }

  private void reportIfParked(
      TransactionContext tx, StoredSaga before, Decision.Transition<?> transition) {
    if (transition.next().status() == SagaStatus.PARKED && before.status() != SagaStatus.PARKED) {
      Decision.LogLine last = transition.log().get(transition.log().size() - 1);
      String reason = last.detail() + (last.step().isEmpty() ? "" : ": " + last.step());
      tx.afterCommit(() -> events.parked(before.id(), 0, reason, null));
    }
  }

  private void publish(TransactionContext tx, Plan<?> plan) {
    for (Publication publication : plan.publications()) {
      outbox.publish(tx, publication.to(), publication.message());
    }
  }
}
