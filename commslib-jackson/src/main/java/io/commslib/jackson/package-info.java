/** JSON bodies through Jackson: {@link io.commslib.jackson.JacksonCodec}. */
@NullMarked
package io.commslib.jackson;

import org.jspecify.annotations.NullMarked;
