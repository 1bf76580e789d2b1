package io.commslib.examples.shop.messages;

import org.jspecify.annotations.Nullable;

/** Order to payment: refund a return; without a customer only an operator can. */
public record RefundReturn(String returnId, @Nullable String customerId, String amount) {}
