/**
 * Redrives dead letters to the group that failed: grouped by cause, with a dry run, at a limited
 * rate, with a cap per letter, and audited. Works with every transport's {@link
 * io.commslib.core.messaging.DeadLetters}. Start with {@link io.commslib.core.redrive.Redrive},
 * {@link io.commslib.core.redrive.RedriveSelection} and {@link
 * io.commslib.core.redrive.RedriveAudit}. {@code Redrive} is thread-safe; its methods block for the
 * broker.
 */
@NullMarked
package io.commslib.core.redrive;

import org.jspecify.annotations.NullMarked;
