package io.commslib.examples.shop.neighbours;

import static io.commslib.core.format.ValueSource.recordKey;
import static io.commslib.jackson.PlainFormat.field;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.examples.shop.messages.PlaceOrder;
import io.commslib.examples.shop.messages.ReturnGoods;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.jackson.PlainFormat;

/**
 * Takes orders of a Node service from Kafka and returns of another from RabbitMQ, as plain JSON,
 * and hands each to the order service exactly once: inbox, outbox.
 */
public final class NeighbourDesk {

  public static final String NAME = "desk";

  /** The topic that the Node service writes, on Kafka. */
  public static final Destination ORDERS = Destination.topic("orders");

  /** The queue to which the Node service sends, on RabbitMQ. */
  public static final Destination RETURNS = Destination.queue("returns");

  /** The group of the desk. */
  public static final String GROUP = "shop";

  private final TypeRegistry types = ShopMessages.types();
  private final ServiceComponents components;

  private NeighbourDesk(ServiceComponents components) {
    this.components = components;
  }

  /**
   * Wires the desk; start the lifecycle to run it.
   *
   * @param kafka the transport of the orders; the shop's own is RabbitMQ
   */
  public static Lifecycle wire(ShopEnvironment environment, MessageTransport kafka) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    NeighbourDesk desk = new NeighbourDesk(components);
    // snippet: desk-formats
    MessageFormat orders =
        PlainFormat.json().type("order.place").id(field("eventId")).key(recordKey()).build();
    MessageFormat returns =
        PlainFormat.json().type("order.return").id(field("eventId")).key(field("returnId")).build();
    kafka.declare(DestinationConfig.builder(ORDERS).group(GROUP).format(orders).build());
    components.transport.declare(DestinationConfig.builder(RETURNS).format(returns).build());
    // end
    MessageHandler handler =
        TypedHandler.builder(desk.types)
            .on(PlaceOrder.class, desk::forward)
            .on(ReturnGoods.class, desk::forward)
            .build();
    return Lifecycle.builder()
        .transport(components.transport)
        .transport(kafka)
        .relay(components.relay)
        .subscription("orders", () -> components.subscribe(kafka, ORDERS, GROUP, handler))
        .subscription(
            "returns", () -> components.subscribe(components.transport, RETURNS, "main", handler))
        .build();
  }

  private Settlement forward(Object request, Delivery delivery) {
    components.outbox.publish(
        delivery.transaction(),
        ShopMessages.ORDER_INTAKE,
        types
            .message(request)
            .id(delivery.message().id())
            .source("/storefront")
            .key(delivery.message().key().orElseThrow())
            .build());
    return Settlement.done();
  }
}
