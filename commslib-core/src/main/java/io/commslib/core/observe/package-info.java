/**
 * Events of the engines for metrics, logs and operators. Start with {@link
 * io.commslib.core.observe.CommsObserver} and {@link io.commslib.core.observe.Trouble}. Callbacks
 * run in order on a thread of their own, never under a lock of the library.
 */
@NullMarked
package io.commslib.core.observe;

import org.jspecify.annotations.NullMarked;
