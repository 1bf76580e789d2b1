/** Charges or declines orders, and refunds returns. */
@NullMarked
package io.commslib.examples.shop.payment;

import org.jspecify.annotations.NullMarked;
