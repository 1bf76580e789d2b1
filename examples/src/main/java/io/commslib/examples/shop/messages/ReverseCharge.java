package io.commslib.examples.shop.messages;

/** Order to payment: undo of a charge, also of one that was never made. */
public record ReverseCharge(String orderId) {}
