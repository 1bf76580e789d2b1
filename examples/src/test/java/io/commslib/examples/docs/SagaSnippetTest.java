package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Destination;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxSchema;
import io.commslib.saga.SagaDefinition;
import io.commslib.saga.SagaEngine;
import io.commslib.saga.SagaLogEntry;
import io.commslib.saga.SagaSchema;
import io.commslib.saga.SagaSnapshot;
import io.commslib.saga.SagaStatus;
import java.util.List;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.Test;

/** The code of docs/saga.md. */
class SagaSnippetTest {

  record Order(String id) {}

  record Charge(String orderId) {}

  record Charged(String orderId) {}

  @Test
  void parkedSagasAreListedAndRetried() {
    JdbcConnectionPool pool =
        JdbcConnectionPool.create("jdbc:h2:mem:saga_page;DB_CLOSE_DELAY=-1", "sa", "");
    JdbcDatabase database = JdbcDatabase.builder(pool).schema("PUBLIC").build();
    OutboxSchema.scripts().apply(database);
    SagaSchema.scripts().apply(database);
    JacksonCodec codec = JacksonCodec.create();
    TypeRegistry types =
        TypeRegistry.builder(codec)
            .register("order.charge", Charge.class)
            .register("order.charged", Charged.class)
            .build();
    SagaDefinition<Order> definition =
        SagaDefinition.builder("order", 1, Order.class)
            .step("charge")
            .command(Destination.queue("payments"), order -> new Charge(order.id()))
            .onReply(Charged.class, (order, charged) -> order)
            .build();
    SystemRuntime runtime = SystemRuntime.create();
    SagaEngine sagas =
        SagaEngine.builder(database, types, codec)
            .outbox(JdbcOutbox.create(database, OutboxConfig.defaults()))
            .define(definition)
            .runtime(runtime)
            .build();
    try {
      // snippet: saga-parked
      for (SagaSnapshot parked : sagas.list(SagaStatus.PARKED, 100)) {
        List<SagaLogEntry> history = sagas.timeline(parked.id());
        SagaLogEntry last = history.get(history.size() - 1);
        if (last.detail().contains("PaymentDown")) {
          sagas.retry(parked.id(), "ann", "the payment service is repaired");
        }
      }
      // end
      assertThat(sagas.list(SagaStatus.PARKED, 100)).isEmpty();
    } finally {
      sagas.close();
      runtime.close();
      pool.dispose();
    }
  }
}
