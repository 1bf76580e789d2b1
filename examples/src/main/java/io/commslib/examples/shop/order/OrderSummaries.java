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
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Puts the summary of an order together from several services, in parallel and in bounded time:
 * payment and shipping over HTTP, price and stock over gRPC. A run has one of the two or both.
 */
final class OrderSummaries {

  private static final Duration TIME = Duration.ofSeconds(1);

  private final TransactionRunner transactions;
  private final OrderTable orders;
  private final Resilience resilience;
  private final Optional<HttpService> payment;
  private final Optional<HttpService> shipping;
  private final Optional<OrderQueries> queries;

  OrderSummaries(
      TransactionRunner transactions,
      OrderTable orders,
      Resilience resilience,
      Optional<ShopHttp> http,
      Optional<OrderQueries> queries) {
    this.transactions = transactions;
    this.orders = orders;
    this.resilience = resilience;
    this.payment = http.map(one -> one.client("payment"));
    this.shipping = http.map(one -> one.client("shipping"));
    this.queries = queries;
  }

  HttpAnswer answer(RouteRequest request) {
    String id = request.variable("id");
    return summary(id).map(HttpAnswer::ok).orElseGet(() -> HttpAnswer.of(404));
  }

  Optional<OrderSummary> summary(String id) {
    try (Composer composer = resilience.composer(TIME)) {
      Part<Optional<OrderSummary.OrderStatus>> order =
          composer.required("order", () -> transactions.run(tx -> orders.find(tx, id)));
      Optional<Part<@Nullable OrderCharge>> charge =
          part(composer, "payment", payment, one -> charge(one, id));
      Optional<Part<@Nullable OrderParcel>> parcel =
          part(composer, "shipping", shipping, one -> parcel(one, id));
      Optional<Part<@Nullable String>> price =
          part(composer, "price", queries, one -> one.price(id));
      Optional<Part<@Nullable Map<String, Long>>> stock =
          part(composer, "stock", queries, one -> one.stock(id));
      composer.join();
      return order
          .get()
          .map(
              found ->
                  new OrderSummary(
                      found,
                      orNull(charge),
                      orNull(parcel),
                      composer.missing().keySet(),
                      orNull(price),
                      orNull(stock)));
    }
  }

  private static @Nullable OrderCharge charge(HttpService payment, String id) {
    return payment.get("/v1/charges/{order}", id).find(OrderCharge.class).orElse(null);
  }

  private static @Nullable OrderParcel parcel(HttpService shipping, String id) {
    return shipping.get("/v1/parcels/{order}", id).find(OrderParcel.class).orElse(null);
  }

  /** Begins to ask another service, if the run has a way to it. */
  private static <S, T> Optional<Part<@Nullable T>> part(
      Composer composer, String name, Optional<S> service, Function<S, @Nullable T> question) {
    return service.map(one -> composer.<@Nullable T>optional(name, () -> question.apply(one)));
  }

  private static <T> @Nullable T orNull(Optional<Part<@Nullable T>> part) {
    return part.isPresent() ? part.get().orNull() : null;
  }
}
