package io.commslib.examples.shop.messages;

/** Payment to order: nothing was charged. */
public record PaymentDeclined(String orderId, String reason) {}
