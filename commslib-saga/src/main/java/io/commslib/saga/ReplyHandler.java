package io.commslib.saga;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import java.sql.Connection;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Applies replies to their sagas, in the transaction of the delivery. */
final class ReplyHandler implements MessageHandler {

  private static final int MAX_CONFLICT_RETRIES = 10;

  private final SagaStore store;
  private final SagaTransitions transitions;
  private final TypeRegistry types;
  private final Map<String, SagaDefinition<?>> definitions;

  ReplyHandler(
      SagaStore store,
      SagaTransitions transitions,
      TypeRegistry types,
      Map<String, SagaDefinition<?>> definitions) {
    this.store = store;
    this.transitions = transitions;
    this.types = types;
    this.definitions = definitions;
  }

  @Override
  public Settlement handle(Delivery delivery) throws Exception {
    Message message = delivery.message();
    Object body = Objects.requireNonNull(types.decode(message), "reply read by the codec");
    Input input = new Input.Reply(message.causationId().orElse(""), body);
    String sagaId = message.correlationId().orElse("");
    TransactionContext tx = delivery.transaction();
    for (int attempt = 0; attempt < MAX_CONFLICT_RETRIES; attempt++) {
      Optional<StoredSaga> stored = store.load(tx.unwrap(Connection.class), sagaId);
      if (stored.isEmpty()) {
        return Settlement.deadLetter("NO_SAGA");
      }
      SagaDefinition<?> definition =
          definitions.get(SagaDefinition.id(stored.get().type(), stored.get().definitionVersion()));
      if (definition == null) {
        // Another process may have the definition, as during a roll-out.
        return Settlement.retry();
      }
      try {
        if (transitions.apply(tx, definition, stored.get(), input, message)
            != SagaTransitions.Outcome.CONFLICT) {
          return Settlement.done();
        }
      } catch (SagaTransitions.RefusedException e) {
        return Settlement.deadLetter(e.reason());
      } catch (DefinitionFailedException e) {
        throw e.asException();
      }
    }
    throw SagaEngine.contention(sagaId);
  }
}
