/** Reads the invoices and feeds them, each once, into the shop. */
@NullMarked
package io.commslib.examples.shop.storefront;

import org.jspecify.annotations.NullMarked;
