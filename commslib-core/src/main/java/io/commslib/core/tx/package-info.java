/**
 * The caller's transaction, in which the outbox, the inbox and handlers participate. Start with
 * {@link io.commslib.core.tx.TransactionRunner} and {@link io.commslib.core.tx.TransactionContext}.
 * A transaction belongs to the thread that runs it; the library never commits, rolls back or closes
 * a transaction that it has not begun.
 */
@NullMarked
package io.commslib.core.tx;

import org.jspecify.annotations.NullMarked;
