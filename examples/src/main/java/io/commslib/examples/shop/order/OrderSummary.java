package io.commslib.examples.shop.order;

import io.commslib.examples.shop.messages.OrderCharge;
import io.commslib.examples.shop.messages.OrderParcel;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An order with what payment and shipping know of it. A part is null if there is nothing yet, or if
 * {@code missing} names it because its service did not answer.
 */
record OrderSummary(
    OrderStatus order,
    @Nullable OrderCharge payment,
    @Nullable OrderParcel shipping,
    Set<String> missing) {

  /** What the order service itself knows. */
  record OrderStatus(String orderId, String status, String amount) {}
}
