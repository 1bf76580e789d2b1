package io.commslib.examples.shop.messages;

/** Order to shipping. */
public record ShipOrder(String orderId, long pieces) {}
