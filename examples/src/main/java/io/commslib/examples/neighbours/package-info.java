/** Starts the programs in {@code examples/neighbours}: clients in other languages. */
@NullMarked
package io.commslib.examples.neighbours;

import org.jspecify.annotations.NullMarked;
