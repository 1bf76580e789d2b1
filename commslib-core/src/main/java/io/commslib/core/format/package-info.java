/**
 * Formats for records of programs that do not use this library, and for records that such programs
 * read. Start with {@link io.commslib.core.format.PlainFormatBuilder}, whose places are {@link
 * io.commslib.core.format.ValueSource}s; {@link io.commslib.core.format.SpringFormat} reads what
 * Spring's converters write. Formats that read JSON are in {@code commslib-jackson}. A format of
 * one's own implements {@link io.commslib.core.messaging.MessageFormat}, with {@link
 * io.commslib.core.format.RecordMessage} for its messages.
 *
 * <p>Formats are immutable and thread-safe, and never block. Builders are not thread-safe. No
 * record causes a class to be loaded. What a format can't represent is refused or, where its
 * builder says so, lost.
 */
@NullMarked
package io.commslib.core.format;

import org.jspecify.annotations.NullMarked;
