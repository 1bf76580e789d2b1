package io.commslib.examples.shop.messages;

/** Shipping to order, over HTTP: what was shipped for an order. */
public record OrderParcel(long pieces) {}
