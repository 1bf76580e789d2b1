package io.commslib.examples.shop.messages;

import java.util.Map;

/** Order to inventory. */
public record ReserveStock(String orderId, Map<String, Long> pieces) {}
