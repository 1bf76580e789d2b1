/** Keeps the stock of every article: reserves, releases, restocks, adjusts. */
@NullMarked
package io.commslib.examples.shop.inventory;

import org.jspecify.annotations.NullMarked;
