package io.commslib.examples.shop.messages;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Storefront to order: goods come back; pieces are negative. */
public record ReturnGoods(String returnId, @Nullable String customerId, List<OrderLine> lines) {}
