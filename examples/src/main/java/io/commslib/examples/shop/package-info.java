/** The shop: order, payment, inventory and shipping, talking only through commslib. */
@NullMarked
package io.commslib.examples.shop;

import org.jspecify.annotations.NullMarked;
