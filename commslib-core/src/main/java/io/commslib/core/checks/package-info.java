/**
 * Checks of arguments and settings with error texts of one form: {@code maxInFlight: -3 (expected:
 * 1..100000)}. The library's modules use it; applications do not. Thread-safe.
 */
@NullMarked
package io.commslib.core.checks;

import org.jspecify.annotations.NullMarked;
