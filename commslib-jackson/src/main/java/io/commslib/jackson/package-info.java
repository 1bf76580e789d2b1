/**
 * JSON codec on Jackson 3. Start with {@link io.commslib.jackson.JacksonCodec}. The mapper is the
 * codec's own: settings, modules or default typing of an application's mapper have no effect here,
 * so that two services that share a message type read and write it alike.
 */
@NullMarked
package io.commslib.jackson;

import org.jspecify.annotations.NullMarked;
