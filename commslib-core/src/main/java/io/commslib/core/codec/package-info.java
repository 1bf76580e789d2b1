/**
 * Typed events and their bodies: codecs, the closed registry of logical type names, and handlers by
 * event class. Start with {@link io.commslib.core.codec.TypeRegistry}, {@link
 * io.commslib.core.codec.TypedHandler} and {@link io.commslib.core.codec.Codec}. A message never
 * causes a class to be loaded. Registries and handlers are immutable; codecs are thread-safe.
 */
@NullMarked
package io.commslib.core.codec;

import org.jspecify.annotations.NullMarked;
