package io.commslib.examples.docs;

import static io.commslib.core.format.ValueSource.assignedId;
import static io.commslib.core.format.ValueSource.header;
import static io.commslib.core.format.ValueSource.recordKey;
import static io.commslib.jackson.PlainFormat.field;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.format.ConfluentFormat;
import io.commslib.core.format.DebeziumFormat;
import io.commslib.core.format.SpringFormat;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jackson.MassTransitFormat;
import io.commslib.jackson.PlainFormat;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The code of the page about formats; {@link DocsSnippetTest} compares it. */
class FormatSnippetTest {

  record OrderCreated(String eventId, String kind) {}

  private final CountDownLatch shipped = new CountDownLatch(2);
  private final TypeRegistry types =
      TypeRegistry.builder(JacksonCodec.create())
          .register("order.created", OrderCreated.class)
          .build();

  private Settlement ship(OrderCreated order, Delivery delivery) {
    assertThat(delivery.message().id()).isEqualTo(order.eventId());
    shipped.countDown();
    return Settlement.done();
  }

  private static ForeignRecord order(String id) {
    return ForeignRecord.builder()
        .key("k")
        .body(
            ("{\"eventId\":\"" + id + "\",\"kind\":\"OrderCreated\"}")
                .getBytes(StandardCharsets.UTF_8))
        .build();
  }

  @Test
  void plainRecordsAreHandled() throws Exception {
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      Destination orders = Destination.topic("orders");
      Destination events = Destination.queue("events");
      // snippet: format-plain
      MessageFormat plain =
          PlainFormat.json().type("order.created").id(field("eventId")).key(recordKey()).build();
      transport.declare(DestinationConfig.builder(orders).group("ship").format(plain).build());
      // end
      // snippet: format-types
      MessageFormat mixed =
          PlainFormat.json()
              .type(field("kind"))
              .types(Map.of("OrderCreated", "order.created", "OrderPaid", "order.paid"))
              .id(field("eventId"))
              .tombstone("order.deleted")
              .build();
      TypedHandler handler =
          TypedHandler.builder(types)
              .on(OrderCreated.class, this::ship)
              .otherwise(Settlement.drop("NOT_MINE"))
              .build();
      // end
      transport.declare(DestinationConfig.builder(events).format(mixed).build());
      transport.subscriber().subscribe(SubscriptionConfig.builder(events).build(), handler);
      transport.subscriber().subscribe(SubscriptionConfig.builder(orders, "ship").build(), handler);
      transport.publishRaw(orders, order("e-1"));
      transport.publishRaw(events, order("e-2"));
      assertThat(shipped.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void formatsOfOtherLibrariesAreBuilt() {
    // snippet: javadoc-format-plain
    MessageFormat plain =
        PlainFormat.json().type("order.created").id(field("eventId")).key(recordKey()).build();
    // end
    // snippet: format-spring
    MessageFormat spring =
        SpringFormat.kafka(Map.of("com.acme.OrderCreated", "order.created"))
            .id(header("event-id").or(assignedId()))
            .build();
    // end
    // snippet: format-confluent
    MessageFormat avro =
        ConfluentFormat.schemas(
                "application/avro", Map.of(17, new ConfluentFormat.Schema("order.created", 2)))
            .build();
    // end
    // snippet: format-masstransit
    MessageFormat massTransit =
        MassTransitFormat.of(Map.of("urn:message:Contracts:OrderCreated", "order.created"))
            .key("/orderId");
    // end
    assertThat(plain.alwaysFindsId()).isTrue();
    assertThat(spring.alwaysFindsId()).isFalse();
    assertThat(avro.alwaysFindsId()).isFalse();
    assertThat(massTransit.alwaysFindsId()).isTrue();
  }

  @Test
  void theRouterIsTheFormatOfADestination() {
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      Destination orders = Destination.topic("orders");
      // snippet: format-debezium
      MessageFormat router = DebeziumFormat.router();
      transport.declare(DestinationConfig.builder(orders).group("ship").format(router).build());
      // end
      assertThat(router.alwaysFindsId()).isTrue();
    }
  }
}
