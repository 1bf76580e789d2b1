package io.commslib.examples.shop.storefront;

/** A line that can't be an order line, with the reason. */
public record RejectedLine(long number, String reason) {}
