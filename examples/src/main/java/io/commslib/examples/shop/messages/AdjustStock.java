package io.commslib.examples.shop.messages;

import java.util.Map;

/** Storefront to inventory: a correction of the stock; signed pieces by article. */
public record AdjustStock(String adjustmentId, Map<String, Long> pieces) {}
