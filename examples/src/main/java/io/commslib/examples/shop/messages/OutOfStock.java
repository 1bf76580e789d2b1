package io.commslib.examples.shop.messages;

/** Inventory to order: nothing was reserved. */
public record OutOfStock(String orderId, String article) {}
