package io.commslib.examples.shop.order;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.OrderLine;
import io.commslib.examples.shop.messages.PlaceOrder;
import io.commslib.examples.shop.messages.RefundReturn;
import io.commslib.examples.shop.messages.RestockGoods;
import io.commslib.examples.shop.messages.ReturnGoods;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.QueryChannel;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.http.server.HttpRoutes;
import io.commslib.jackson.JacksonCodec;
import io.commslib.outbox.Outbox;
import io.commslib.resilience.Resilience;
import io.commslib.saga.SagaDefinition;
import io.commslib.saga.SagaEngine;
import io.commslib.saga.SagaSchema;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Accepts orders and returns, and runs the saga of each order. */
public final class OrderService {

  public static final String NAME = "order";

  private final TypeRegistry types = ShopMessages.types();
  private final OrderTable orders;
  private final Outbox outbox;
  private final SagaDefinition<OrderState> saga;
  private final SagaEngine sagas;

  private OrderService(ServiceComponents components) {
    SagaSchema.scripts().apply(components.database);
    orders = new OrderTable(components.database);
    outbox = components.outbox;
    saga = OrderSaga.definition(orders);
    sagas =
        SagaEngine.builder(components.database, types, JacksonCodec.create())
            .outbox(outbox)
            .define(saga)
            .runtime(components.runtime)
            .build();
  }

  /** Wires the service; start the lifecycle to run it. */
  public static Lifecycle wire(ShopEnvironment environment) {
    // snippet: wiring
    ServiceComponents components = new ServiceComponents(environment, NAME);
    OrderService service = new OrderService(components);
    TypedHandler intake =
        TypedHandler.builder(service.types)
            .on(PlaceOrder.class, service::place)
            .on(ReturnGoods.class, service::takeBack)
            .build();
    Lifecycle.Builder lifecycle =
        Lifecycle.builder()
            .transport(components.transport)
            .relay(components.relay)
            .saga(service.sagas)
            .subscription("intake", () -> components.subscribe(ShopMessages.ORDER_INTAKE, intake))
            .subscription(
                "replies",
                () -> components.subscribe(ShopMessages.ORDER_REPLIES, service.sagas.replies()));
    // end
    if (environment.http().isPresent() || environment.queries().isPresent()) {
      service.answer(environment, components, lifecycle);
    }
    return lifecycle.build();
  }

  /** Adds what answers requests: the routes over HTTP, the summaries over gRPC, or both. */
  private void answer(
      ShopEnvironment environment, ServiceComponents components, Lifecycle.Builder lifecycle) {
    Resilience calls = ShopQueries.calls(components.runtime);
    lifecycle.calls(calls);
    Optional<ShopHttp> http = environment.http().map(one -> one.with(calls));
    Optional<OrderQueries> asked = environment.queries().map(one -> ask(one, calls, lifecycle));
    OrderSummaries summaries =
        new OrderSummaries(components.transactions, orders, calls, http, asked);
    http.ifPresent(
        one -> {
          HttpRoutes routes = new OrderRoutes(components, summaries).routes();
          lifecycle.server(one.server(NAME, routes, components.runtime));
        });
    environment
        .queries()
        .ifPresent(one -> lifecycle.server(one.server(NAME, calls, new SummaryAnswers(summaries))));
  }

  private static OrderQueries ask(
      ShopQueries queries, Resilience calls, Lifecycle.Builder lifecycle) {
    QueryChannel payment = queries.channel("payment", ShopQueries.PRICES, calls);
    QueryChannel inventory = queries.channel("inventory", ShopQueries.STOCK, calls);
    lifecycle.calls(payment).calls(inventory);
    return new OrderQueries(payment.channel(), inventory.channel());
  }

  private Settlement place(PlaceOrder order, Delivery delivery) {
    TransactionContext tx = delivery.transaction();
    BigDecimal amount = total(order.lines());
    Map<String, Long> pieces = pieces(order.lines(), 1);
    long units = pieces.values().stream().mapToLong(Long::longValue).sum();
    orders.place(tx, order.orderId(), order.customerId(), amount);
    String key = delivery.message().key().orElseThrow();
    sagas.start(
        tx,
        saga,
        order.orderId(),
        new OrderState(
            order.orderId(), order.customerId(), key, amount.toPlainString(), pieces, units));
    return Settlement.done();
  }

  private Settlement takeBack(ReturnGoods goods, Delivery delivery) {
    TransactionContext tx = delivery.transaction();
    BigDecimal amount = total(goods.lines()).negate();
    orders.takeBack(tx, goods.returnId(), goods.customerId(), amount);
    outbox.publish(
        tx,
        ShopMessages.INVENTORY,
        consequence(delivery, new RestockGoods(goods.returnId(), pieces(goods.lines(), -1))));
    outbox.publish(
        tx,
        ShopMessages.PAYMENT,
        consequence(
            delivery,
            new RefundReturn(goods.returnId(), goods.customerId(), amount.toPlainString())));
    return Settlement.done();
  }

  private Message consequence(Delivery delivery, Object command) {
    Message cause = delivery.message();
    return types.message(command).causedBy(cause).key(cause.key().orElseThrow()).build();
  }

  /** Computes the exact total, rounded once. */
  private static BigDecimal total(List<OrderLine> lines) {
    BigDecimal total = BigDecimal.ZERO;
    for (OrderLine line : lines) {
      total = total.add(new BigDecimal(line.price()).multiply(BigDecimal.valueOf(line.pieces())));
    }
    return total.setScale(2, RoundingMode.HALF_UP);
  }

  private static Map<String, Long> pieces(List<OrderLine> lines, int sign) {
    Map<String, Long> pieces = new TreeMap<>();
    lines.forEach(line -> pieces.merge(line.article(), sign * (long) line.pieces(), Long::sum));
    return pieces;
  }
}
