package io.commslib.examples.shop.messages;

import org.jspecify.annotations.Nullable;

/** Order to payment. */
public record ChargePayment(String orderId, @Nullable String customerId, String amount) {}
