package io.commslib.examples.shop.order;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The state of an order's saga. */
record OrderState(
    String orderId,
    @Nullable String customerId,
    String key,
    String amount,
    Map<String, Long> pieces,
    long units) {

  OrderState reserved(long reservedUnits) {
    return new OrderState(orderId, customerId, key, amount, pieces, reservedUnits);
  }
}
