/** What the delivery engine costs a message, without a broker. */
@NullMarked
package io.commslib.benchmarks.core;

import org.jspecify.annotations.NullMarked;
