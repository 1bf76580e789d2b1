package io.commslib.examples.shop.storefront;

import java.math.BigDecimal;

/** An accepted line of the file. */
record InvoiceLine(
    long number, String invoice, String article, int quantity, BigDecimal price, String customer) {}
