package io.commslib.examples.shop.messages;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Storefront to order: a customer's order. */
public record PlaceOrder(String orderId, @Nullable String customerId, List<OrderLine> lines) {}
