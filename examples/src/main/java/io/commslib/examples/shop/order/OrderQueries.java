package io.commslib.examples.shop.order;

import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.Price;
import io.commslib.examples.shop.queries.PricesGrpc;
import io.commslib.examples.shop.queries.StockGrpc;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Asks payment for the price of an order, and inventory for the stock of its articles. */
final class OrderQueries {

  private final PricesGrpc.PricesBlockingStub prices;
  private final StockGrpc.StockBlockingStub stock;

  OrderQueries(Channel payment, Channel inventory) {
    this.prices = PricesGrpc.newBlockingStub(payment);
    this.stock = StockGrpc.newBlockingStub(inventory);
  }

  /** Returns what an order was charged, or null if nothing was or it was reversed. */
  @Nullable String price(String orderId) {
    try {
      Price price = prices.priceOf(request(orderId));
      return price.getReversed() ? null : price.getAmount();
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        return null;
      }
      throw e;
    }
  }

  /** Returns the stock by article. */
  Map<String, Long> stock(String orderId) {
    return new TreeMap<>(stock.stockLevel(request(orderId)).getPiecesMap());
  }

  private static OrderRequest request(String orderId) {
    return OrderRequest.newBuilder().setOrderId(orderId).build();
  }
}
