/** Reads the invoices and feeds each of them into the shop once. */
@NullMarked
package io.commslib.examples.shop.storefront;

import org.jspecify.annotations.NullMarked;
