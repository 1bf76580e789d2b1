package io.commslib.examples.shop.messages;

import java.util.Map;

/** Order to inventory: returned goods. */
public record RestockGoods(String returnId, Map<String, Long> pieces) {}
