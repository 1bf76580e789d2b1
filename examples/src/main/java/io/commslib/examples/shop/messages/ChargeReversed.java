package io.commslib.examples.shop.messages;

/** Payment to order. */
public record ChargeReversed(String orderId) {}
