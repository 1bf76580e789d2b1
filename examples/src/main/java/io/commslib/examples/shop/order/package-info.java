/** Accepts orders and returns, and runs the saga of each order. */
@NullMarked
package io.commslib.examples.shop.order;

import org.jspecify.annotations.NullMarked;
