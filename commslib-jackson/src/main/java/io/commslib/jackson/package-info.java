/**
 * JSON codec on Jackson 3. Start with {@link io.commslib.jackson.JacksonCodec}, which writes and
 * reads message bodies, and its builder with the limits; {@link
 * io.commslib.jackson.CloudEventsJson} reads CloudEvents in structured mode.
 *
 * <p>Codecs and readers are immutable and thread-safe, and never block.
 *
 * <p>Guaranteed: two services that share a message type write and read it alike, because the mapper
 * is the codec's own: settings, modules or default typing of an application's mapper have no effect
 * here. Bytes within the limits never load a class by name. Not guaranteed: the order of properties
 * in the JSON.
 */
@NullMarked
package io.commslib.jackson;

import org.jspecify.annotations.NullMarked;
