package io.commslib.examples.shop.messages;

import java.util.Map;

/** Storefront to inventory: stock was counted anew; signed pieces by article. */
public record AdjustStock(String adjustmentId, Map<String, Long> pieces) {}
