/**
 * The shop: order, payment, inventory and shipping services that communicate only through commslib.
 */
@NullMarked
package io.commslib.examples.shop;

import org.jspecify.annotations.NullMarked;
