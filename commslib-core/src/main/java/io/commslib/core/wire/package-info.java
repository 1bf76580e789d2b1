/**
 * The wire form of messages: records with headers, the CloudEvents envelope, and the headers of
 * dead letters. Transport adapters use it; applications do not. Start with {@link
 * io.commslib.core.messaging.ForeignRecord} and {@link io.commslib.core.wire.CloudEventsEnvelope}.
 * Golden tests fix the bytes that are sent. All types except the builders are thread-safe.
 */
@NullMarked
package io.commslib.core.wire;

import org.jspecify.annotations.NullMarked;
