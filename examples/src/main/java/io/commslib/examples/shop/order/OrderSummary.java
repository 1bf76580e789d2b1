package io.commslib.examples.shop.order;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.commslib.examples.shop.messages.OrderCharge;
import io.commslib.examples.shop.messages.OrderParcel;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An order with what payment and shipping know of it over HTTP, and with its price and the stock of
 * its articles over gRPC. A part is null if it was not asked for, if there is nothing yet, or if
 * {@code missing} names it because its service did not answer.
 */
record OrderSummary(
    OrderStatus order,
    @Nullable OrderCharge payment,
    @Nullable OrderParcel shipping,
    Set<String> missing,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String price,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Map<String, Long> stock) {

  /** What the order service itself knows. */
  record OrderStatus(String orderId, String status, String amount) {}
}
