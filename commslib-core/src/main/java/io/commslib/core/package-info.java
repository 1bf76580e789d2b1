/**
 * Failures, their meaning for the caller's next step, and health: the base of all modules. Start
 * with {@link io.commslib.core.CommsException}, {@link io.commslib.core.FailureKind} and {@link
 * io.commslib.core.Health}. All types are immutable. Imports no other package of the library.
 */
@NullMarked
package io.commslib.core;

import org.jspecify.annotations.NullMarked;
