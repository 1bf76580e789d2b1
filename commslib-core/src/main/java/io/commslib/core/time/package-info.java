/**
 * Time, randomness and threads as ports, with the system's implementation and a virtual one for
 * tests.
 */
@NullMarked
package io.commslib.core.time;

import org.jspecify.annotations.NullMarked;
