package io.commslib.examples.shop.order;

import static io.commslib.examples.shop.messages.ShopMessages.INVENTORY;
import static io.commslib.examples.shop.messages.ShopMessages.PAYMENT;
import static io.commslib.examples.shop.messages.ShopMessages.SHIPPING;

import io.commslib.examples.shop.messages.ChargePayment;
import io.commslib.examples.shop.messages.ChargeReversed;
import io.commslib.examples.shop.messages.OrderShipped;
import io.commslib.examples.shop.messages.OutOfStock;
import io.commslib.examples.shop.messages.PaymentCharged;
import io.commslib.examples.shop.messages.PaymentDeclined;
import io.commslib.examples.shop.messages.ReleaseStock;
import io.commslib.examples.shop.messages.ReserveStock;
import io.commslib.examples.shop.messages.ReverseCharge;
import io.commslib.examples.shop.messages.ShipOrder;
import io.commslib.examples.shop.messages.StockReleased;
import io.commslib.examples.shop.messages.StockReserved;
import io.commslib.saga.SagaDefinition;
import java.time.Duration;

/** The saga of an order: reserve, charge, ship; compensated if the payment is declined. */
final class OrderSaga {

  /** Longer than an outage of any server, since an outage must not cancel orders. */
  private static final Duration STEP_TIMEOUT = Duration.ofMinutes(10);

  private OrderSaga() {}

  static SagaDefinition<OrderState> definition(OrderTable orders) {
    // snippet: saga
    return SagaDefinition.builder("order", 1, OrderState.class)
        .key(OrderState::key)
        .step("reserve")
        .command(INVENTORY, order -> new ReserveStock(order.orderId(), order.pieces()))
        .onReply(StockReserved.class, (order, reply) -> order.reserved(reply.pieces()))
        .refusedBy(OutOfStock.class, (order, reply) -> order)
        .compensate(INVENTORY, order -> new ReleaseStock(order.orderId()))
        .compensatedBy(StockReleased.class)
        .timeout(STEP_TIMEOUT)
        .step("charge")
        .command(
            PAYMENT,
            order -> new ChargePayment(order.orderId(), order.customerId(), order.amount()))
        .onReply(PaymentCharged.class, (order, reply) -> order)
        .refusedBy(PaymentDeclined.class, (order, reply) -> order)
        .compensate(PAYMENT, order -> new ReverseCharge(order.orderId()))
        .compensatedBy(ChargeReversed.class)
        .timeout(STEP_TIMEOUT)
        .step("ship")
        .command(SHIPPING, order -> new ShipOrder(order.orderId(), order.units()))
        .onReply(OrderShipped.class, (order, reply) -> order)
        .timeout(STEP_TIMEOUT)
        .onCompleted((order, tx) -> orders.finish(tx, order.orderId(), "SHIPPED"))
        .onCompensated((order, tx) -> orders.finish(tx, order.orderId(), "REJECTED"))
        .build();
    // end
  }
}
