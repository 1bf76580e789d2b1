/** Charges, declines and refunds. */
@NullMarked
package io.commslib.examples.shop.payment;

import org.jspecify.annotations.NullMarked;
