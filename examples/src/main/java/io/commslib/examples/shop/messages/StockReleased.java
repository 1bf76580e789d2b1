package io.commslib.examples.shop.messages;

/** Inventory to order. */
public record StockReleased(String orderId) {}
