/**
 * Transactions on plain JDBC, the dialects of the supported databases, and versioned schema
 * scripts: start with {@link io.commslib.jdbc.JdbcDatabase} and {@link
 * io.commslib.jdbc.JdbcTransactionRunner}.
 *
 * <p>Everything here is thread-safe and holds no connection between calls.
 */
@NullMarked
package io.commslib.jdbc;

import org.jspecify.annotations.NullMarked;
