package io.commslib.examples.shop.messages;

/** Order to payment: reverse a charge, also if it was never made. */
public record ReverseCharge(String orderId) {}
