package io.commslib.examples.shop.messages;

/** Inventory to order: all pieces are reserved. */
public record StockReserved(String orderId, long pieces) {}
