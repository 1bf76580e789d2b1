/**
 * The library in transactions that Spring runs. Start with {@link
 * io.commslib.spring.SpringTransactions}, which joins the transaction of the calling thread, and
 * {@link io.commslib.spring.SpringTransactionRunner}, which begins new ones through the
 * application's transaction manager; both need an {@link io.commslib.jdbc.JdbcDatabase} over the
 * manager's data source.
 *
 * <p>Works with every manager that binds a JDBC connection to the thread, such as those for JDBC
 * and for JPA over the same data source; not with JTA or reactive managers.
 *
 * <p>The two classes are thread-safe; a transaction context is confined to the thread of its
 * transaction. Guaranteed: a message is written in the transaction or refused with a code, also in
 * callbacks after its end. Not guaranteed: detection of failures that other code swallows on H2
 * outside the context's connection.
 */
@NullMarked
package io.commslib.spring;

import org.jspecify.annotations.NullMarked;
