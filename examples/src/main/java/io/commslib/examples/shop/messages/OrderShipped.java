package io.commslib.examples.shop.messages;

/** Shipping to order. */
public record OrderShipped(String orderId) {}
