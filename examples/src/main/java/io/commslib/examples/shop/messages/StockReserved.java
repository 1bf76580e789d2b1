package io.commslib.examples.shop.messages;

/** Inventory to order: all of it is reserved. */
public record StockReserved(String orderId, long pieces) {}
