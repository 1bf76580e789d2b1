package io.commslib.examples.shop.messages;

/** One article of an invoice, with its exact unit price. */
public record OrderLine(String article, int pieces, String price) {}
