package io.commslib.examples.shop.messages;

/** Order to inventory: release a reservation, also if it was never made. */
public record ReleaseStock(String orderId) {}
