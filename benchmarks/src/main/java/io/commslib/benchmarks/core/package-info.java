/** The cost of the delivery engine per message, without a broker. */
@NullMarked
package io.commslib.benchmarks.core;

import org.jspecify.annotations.NullMarked;
