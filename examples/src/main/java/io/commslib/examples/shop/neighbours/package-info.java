/** The desk between the shop and services in other languages: plain JSON in and out. */
@NullMarked
package io.commslib.examples.shop.neighbours;

import org.jspecify.annotations.NullMarked;
