package io.commslib.examples.shop.order;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.PlaceOrder;
import io.commslib.examples.shop.messages.ReturnGoods;
import io.commslib.examples.shop.messages.ShopIds;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.RouteRequest;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jackson.JacksonCodec;

/**
 * What the order service answers over HTTP. A request and the message that it becomes commit in one
 * transaction with the answer, so a repeated request gets the same answer and no second message.
 */
final class OrderRoutes {

  private final TypeRegistry types = ShopMessages.types();
  private final ServiceComponents components;
  private final OrderSummaries summaries;

  OrderRoutes(ServiceComponents components, OrderSummaries summaries) {
    this.components = components;
    this.summaries = summaries;
  }

  HttpRoutes routes() {
    IdempotentRequests requests =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(components.database, IdempotencyConfig.defaults()))
            .build();
    return HttpRoutes.builder(components.runtime)
        .codec(JacksonCodec.create())
        .idempotency(requests, request -> "storefront")
        .transactional(
            "POST /v1/orders",
            PlaceOrder.class,
            components.transactions,
            components.logged(this::place))
        .transactional(
            "POST /v1/returns",
            ReturnGoods.class,
            components.transactions,
            components.logged(this::takeBack))
        .route("GET /v1/orders/{id}/summary", summaries::answer)
        .build();
  }

  private HttpAnswer place(RouteRequest request, PlaceOrder order, TransactionContext tx) {
    return accept(order, ShopIds.key(order.customerId(), order.orderId()), tx);
  }

  private HttpAnswer takeBack(RouteRequest request, ReturnGoods goods, TransactionContext tx) {
    return accept(goods, ShopIds.key(goods.customerId(), goods.returnId()), tx);
  }

  private HttpAnswer accept(Object content, String key, TransactionContext tx) {
    Message message = types.message(content).source("/order").key(key).build();
    components.outbox.publish(tx, ShopMessages.ORDER_INTAKE, message);
    return HttpAnswer.accepted();
  }
}
