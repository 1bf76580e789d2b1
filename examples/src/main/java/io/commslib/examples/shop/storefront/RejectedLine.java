package io.commslib.examples.shop.storefront;

/** A line that can't be an order line, and why. */
public record RejectedLine(long number, String reason) {}
