package io.commslib.examples.shop.messages;

/** Order to inventory: undo of a reservation, also of one that was never made. */
public record ReleaseStock(String orderId) {}
