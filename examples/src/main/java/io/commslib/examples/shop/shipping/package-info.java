/** Ships orders that are reserved and paid. */
@NullMarked
package io.commslib.examples.shop.shipping;

import org.jspecify.annotations.NullMarked;
