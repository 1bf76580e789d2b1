package io.commslib.examples.shop.messages;

import static io.commslib.jackson.PlainFormat.field;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jackson.PlainFormat;
import java.util.List;

/** The queues of the shop and the types of its messages. */
public final class ShopMessages {

  public static final Destination ORDER_INTAKE = Destination.queue("order.intake");
  public static final Destination ORDER_REPLIES = Destination.queue("order.replies");
  public static final Destination PAYMENT = Destination.queue("payment.commands");
  public static final Destination INVENTORY = Destination.queue("inventory.commands");
  public static final Destination SHIPPING = Destination.queue("shipping.commands");

  /** Parcels for a service in another language, which reads plain JSON. */
  public static final Destination PARCELS = Destination.queue("parcels");

  /** All queues of the shop. */
  public static final List<Destination> QUEUES =
      List.of(ORDER_INTAKE, ORDER_REPLIES, PAYMENT, INVENTORY, SHIPPING);

  private ShopMessages() {}

  /** Declares every queue, which must happen before the first publish; safe to repeat. */
  public static void declare(MessageTransport transport) {
    QUEUES.forEach(
        queue -> transport.declare(DestinationConfig.builder(queue).partitions(8).build()));
  }

  /** Declares the queue of the parcels. */
  public static void declareParcels(MessageTransport transport) {
    MessageFormat parcels = PlainFormat.json().type("parcel.ship").key(field("orderId")).build();
    transport.declare(DestinationConfig.builder(PARCELS).format(parcels).build());
  }

  /** {@return the closed list of message types, by stable name} */
  public static TypeRegistry types() {
    return TypeRegistry.builder(JacksonCodec.create())
        .register("order.place", PlaceOrder.class)
        .register("order.return", ReturnGoods.class)
        .register("stock.adjust", AdjustStock.class)
        .register("stock.reserve", ReserveStock.class)
        .register("stock.reserved", StockReserved.class)
        .register("stock.out", OutOfStock.class)
        .register("stock.release", ReleaseStock.class)
        .register("stock.released", StockReleased.class)
        .register("stock.restock", RestockGoods.class)
        .register("payment.charge", ChargePayment.class)
        .register("payment.charged", PaymentCharged.class)
        .register("payment.declined", PaymentDeclined.class)
        .register("payment.reverse", ReverseCharge.class)
        .register("payment.reversed", ChargeReversed.class)
        .register("payment.refund", RefundReturn.class)
        .register("parcel.ship", ShipOrder.class)
        .register("parcel.shipped", OrderShipped.class)
        .build();
  }
}
