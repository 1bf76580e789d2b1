/**
 * Transactions on plain JDBC, the dialects of the supported databases, and versioned schema
 * scripts. Start with {@link io.commslib.jdbc.JdbcDatabase}, {@link
 * io.commslib.jdbc.JdbcTransactionRunner} and {@link io.commslib.jdbc.SchemaScripts}; {@link
 * io.commslib.jdbc.JdbcTransactions} joins a transaction that the application has begun itself.
 *
 * <p>Everything here is thread-safe except builders, blocks the calling thread while the database
 * works, starts no threads and keeps no connection between calls.
 *
 * <p>Guaranteed: a connection is returned to its pool unchanged, and work whose transaction the
 * database has rolled back is never reported as committed. Not guaranteed: the result of a commit
 * during which the connection breaks, and any effect of SQL that ends a transaction by its text.
 *
 * <p>{@link io.commslib.jdbc.SqlStatement}, {@link io.commslib.jdbc.SingleStatements}, {@link
 * io.commslib.jdbc.Purge} and {@link io.commslib.jdbc.SqlErrors} are for the stores of the
 * library's modules.
 */
@NullMarked
package io.commslib.jdbc;

import org.jspecify.annotations.NullMarked;
