/**
 * Sends dead letters back to the group that gave them up: grouped by cause, rehearsed, paced,
 * counted and audited. Works over every transport's {@link io.commslib.core.messaging.DeadLetters}.
 */
@NullMarked
package io.commslib.core.redrive;

import org.jspecify.annotations.NullMarked;
