package io.commslib.examples.shop.order;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the saga of an order carries from step to step. */
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
