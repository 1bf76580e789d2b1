package io.commslib.examples.shop.messages;

/** Payment to order, over HTTP: what was charged for an order. */
public record OrderCharge(String amount, boolean reversed) {}
