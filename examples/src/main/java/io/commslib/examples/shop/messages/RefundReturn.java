package io.commslib.examples.shop.messages;

import org.jspecify.annotations.Nullable;

/** Order to payment: pay back; without a customer only a person can. */
public record RefundReturn(String returnId, @Nullable String customerId, String amount) {}
