package io.commslib.examples.shop.messages;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Storefront to order: a customer's return; pieces are negative. */
public record ReturnGoods(String returnId, @Nullable String customerId, List<OrderLine> lines) {}
