package io.commslib.examples.shop.payment;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.ChargePayment;
import io.commslib.examples.shop.messages.ChargeReversed;
import io.commslib.examples.shop.messages.OrderCharge;
import io.commslib.examples.shop.messages.PaymentCharged;
import io.commslib.examples.shop.messages.PaymentDeclined;
import io.commslib.examples.shop.messages.RefundReturn;
import io.commslib.examples.shop.messages.ReverseCharge;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.outbox.Outbox;
import io.commslib.resilience.Resilience;
import io.commslib.saga.Replies;
import java.math.BigDecimal;
import java.util.Optional;

/** Charges orders and refunds returns. */
public final class PaymentService {

  public static final String NAME = "payment";

  private final TypeRegistry types = ShopMessages.types();
  private final ShopSql sql;
  private final Outbox outbox;

  private PaymentService(ShopSql sql, Outbox outbox) {
    this.sql = sql;
    this.outbox = outbox;
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @charge (order_id varchar(200) NOT NULL PRIMARY KEY, customer_id varchar(256) NOT NULL,
          amount numeric(60, 2) NOT NULL, reversed boolean NOT NULL);
        CREATE TABLE IF NOT EXISTS @refund (return_id varchar(200) NOT NULL PRIMARY KEY, customer_id varchar(256) NOT NULL,
          amount numeric(60, 2) NOT NULL)
        """);
  }

  /** Wires the service; start the lifecycle to run it. */
  public static Lifecycle wire(ShopEnvironment environment) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    PaymentService service =
        new PaymentService(new ShopSql(components.database), components.outbox);
    Lifecycle.Builder lifecycle =
        Lifecycle.builder()
            .transport(components.transport)
            .relay(components.relay)
            .subscription(
                NAME, () -> components.subscribe(ShopMessages.PAYMENT, service.handler()));
    environment
        .http()
        .ifPresent(
            http ->
                lifecycle.server(
                    http.server(
                        NAME,
                        components.lookup("GET /v1/charges/{order}", service::find),
                        components.runtime)));
    environment
        .queries()
        .ifPresent(
            queries -> {
              Resilience calls = ShopQueries.calls(components.runtime);
              PriceAnswers answers = new PriceAnswers(components.transactions, service::find);
              lifecycle.calls(calls).server(queries.server(NAME, calls, answers));
            });
    return lifecycle.build();
  }

  private Optional<OrderCharge> find(TransactionContext tx, String orderId) {
    return sql.find(
        tx,
        row -> new OrderCharge(row.getBigDecimal(1).toPlainString(), row.getBoolean(2)),
        "SELECT amount, reversed FROM @charge WHERE order_id = ?",
        orderId);
  }

  private MessageHandler handler() {
    return TypedHandler.builder(types)
        .on(ChargePayment.class, this::charge)
        .on(ReverseCharge.class, this::reverse)
        .on(RefundReturn.class, this::refund)
        .build();
  }

  private Settlement charge(ChargePayment command, Delivery delivery) {
    if (command.customerId() == null) {
      return answer(delivery, new PaymentDeclined(command.orderId(), "no customer"));
    }
    sql.update(
        delivery.transaction(),
        "INSERT INTO @charge (order_id, customer_id, amount, reversed) VALUES (?, ?, ?, FALSE)",
        command.orderId(),
        command.customerId(),
        new BigDecimal(command.amount()));
    return answer(delivery, new PaymentCharged(command.orderId()));
  }

  private Settlement reverse(ReverseCharge command, Delivery delivery) {
    sql.update(
        delivery.transaction(),
        "UPDATE @charge SET reversed = TRUE WHERE order_id = ?",
        command.orderId());
    return answer(delivery, new ChargeReversed(command.orderId()));
  }

  // snippet: handler
  private Settlement refund(RefundReturn command, Delivery delivery) {
    if (command.customerId() == null) {
      return Settlement.deadLetter("NO_CUSTOMER");
    }
    sql.update(
        delivery.transaction(),
        "INSERT INTO @refund (return_id, customer_id, amount) VALUES (?, ?, ?)",
        command.returnId(),
        command.customerId(),
        new BigDecimal(command.amount()));
    return Settlement.done();
  }

  // end

  private Settlement answer(Delivery delivery, Object answer) {
    outbox.publish(
        delivery.transaction(),
        ShopMessages.ORDER_REPLIES,
        Replies.to(delivery, types, answer).build());
    return Settlement.done();
  }
}
