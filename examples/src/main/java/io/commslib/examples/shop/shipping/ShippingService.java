package io.commslib.examples.shop.shipping;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.OrderParcel;
import io.commslib.examples.shop.messages.OrderShipped;
import io.commslib.examples.shop.messages.ShipOrder;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.saga.Replies;
import java.util.Optional;

/** Ships orders that are reserved and paid. */
public final class ShippingService {

  public static final String NAME = "shipping";

  private final TypeRegistry types = ShopMessages.types();
  private final ShopSql sql;
  private final ServiceComponents components;

  private ShippingService(ShopSql sql, ServiceComponents components) {
    this.sql = sql;
    this.components = components;
    sql.create(
        "CREATE TABLE IF NOT EXISTS @parcel (order_id varchar(200) NOT NULL PRIMARY KEY, pieces bigint NOT NULL)");
  }

  /** Wires the service; start the lifecycle to run it. */
  public static Lifecycle wire(ShopEnvironment environment) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    ShippingService service = new ShippingService(new ShopSql(components.database), components);
    TypedHandler handler =
        TypedHandler.builder(service.types).on(ShipOrder.class, service::ship).build();
    Lifecycle.Builder lifecycle =
        Lifecycle.builder()
            .transport(components.transport)
            .relay(components.relay)
            .subscription(NAME, () -> components.subscribe(ShopMessages.SHIPPING, handler));
    environment
        .http()
        .ifPresent(
            http ->
                lifecycle.server(
                    http.server(
                        NAME,
                        components.lookup("GET /v1/parcels/{order}", service::find),
                        components.runtime)));
    return lifecycle.build();
  }

  private Optional<OrderParcel> find(TransactionContext tx, String orderId) {
    return sql.find(
        tx,
        row -> new OrderParcel(row.getLong(1)),
        "SELECT pieces FROM @parcel WHERE order_id = ?",
        orderId);
  }

  private Settlement ship(ShipOrder command, Delivery delivery) {
    sql.update(
        delivery.transaction(),
        "INSERT INTO @parcel (order_id, pieces) VALUES (?, ?)",
        command.orderId(),
        command.pieces());
    components.publishParcel(
        delivery.transaction(),
        types.message(command).causedBy(delivery.message()).key(command.orderId()).build());
    components.outbox.publish(
        delivery.transaction(),
        ShopMessages.ORDER_REPLIES,
        Replies.to(delivery, types, new OrderShipped(command.orderId())).build());
    return Settlement.done();
  }
}
