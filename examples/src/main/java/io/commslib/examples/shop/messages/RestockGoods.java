package io.commslib.examples.shop.messages;

import java.util.Map;

/** Order to inventory: goods came back. */
public record RestockGoods(String returnId, Map<String, Long> pieces) {}
