/**
 * Typed events and their bodies: codecs, the closed registry of logical type names, and handlers by
 * event class. Start with {@link io.commslib.core.codec.TypeRegistry}, {@link
 * io.commslib.core.codec.TypedHandler} and {@link io.commslib.core.codec.Codec}. No class is ever
 * loaded because a message names it.
 */
@NullMarked
package io.commslib.core.codec;

import org.jspecify.annotations.NullMarked;
