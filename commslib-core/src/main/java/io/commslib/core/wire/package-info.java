/**
 * How a message travels: records with headers, the CloudEvents envelope, and the headers of dead
 * letters. Transport adapters program against it; applications do not use it. Start with {@link
 * io.commslib.core.wire.WireMessage} and {@link io.commslib.core.wire.CloudEventsEnvelope}. What is
 * sent is fixed by golden tests.
 */
@NullMarked
package io.commslib.core.wire;

import org.jspecify.annotations.NullMarked;
