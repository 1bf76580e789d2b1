/**
 * Ports for time, randomness and threads, with an implementation for applications and a virtual one
 * for tests. Start with {@link io.commslib.core.time.CommsRuntime}, {@link
 * io.commslib.core.time.SystemRuntime} and {@link io.commslib.core.time.VirtualTime}. All types are
 * thread-safe. No other package reads a clock, draws randomness or creates threads by itself.
 */
@NullMarked
package io.commslib.core.time;

import org.jspecify.annotations.NullMarked;
