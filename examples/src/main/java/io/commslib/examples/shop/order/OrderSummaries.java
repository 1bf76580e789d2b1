package io.commslib.examples.shop.order;

import io.commslib.core.tx.TransactionRunner;
import io.commslib.examples.shop.messages.OrderCharge;
import io.commslib.examples.shop.messages.OrderParcel;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.http.HttpService;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.RouteRequest;
import io.commslib.resilience.Composer;
import io.commslib.resilience.Part;
import io.commslib.resilience.Resilience;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Puts the summary of an order together from three services, in parallel and in bounded time. */
final class OrderSummaries {

  private static final Duration TIME = Duration.ofSeconds(1);

  private final TransactionRunner transactions;
  private final OrderTable orders;
  private final Resilience resilience;
  private final HttpService payment;
  private final HttpService shipping;

  OrderSummaries(TransactionRunner transactions, OrderTable orders, ShopHttp http) {
    this.transactions = transactions;
    this.orders = orders;
    this.resilience = http.resilience();
    this.payment = http.client("payment");
    this.shipping = http.client("shipping");
  }

  HttpAnswer answer(RouteRequest request) {
    String id = request.variable("id");
    return summary(id).map(HttpAnswer::ok).orElseGet(() -> HttpAnswer.of(404));
  }

  private Optional<OrderSummary> summary(String id) {
    try (Composer composer = resilience.composer(TIME)) {
      Part<Optional<OrderSummary.OrderStatus>> order =
          composer.required("order", () -> transactions.run(tx -> orders.find(tx, id)));
      Part<@Nullable OrderCharge> charge =
          composer.optional(
              "payment",
              () -> payment.get("/v1/charges/{order}", id).find(OrderCharge.class).orElse(null));
      Part<@Nullable OrderParcel> parcel =
          composer.optional(
              "shipping",
              () -> shipping.get("/v1/parcels/{order}", id).find(OrderParcel.class).orElse(null));
      composer.join();
      return order
          .get()
          .map(
              found ->
                  new OrderSummary(
                      found, charge.orNull(), parcel.orNull(), composer.missing().keySet()));
    }
  }
}
