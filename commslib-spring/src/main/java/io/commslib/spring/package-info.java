/**
 * The library's parts in transactions that Spring runs. {@link
 * io.commslib.spring.SpringTransactions} joins the one of the calling thread, {@link
 * io.commslib.spring.SpringTransactionRunner} begins new ones through the application's transaction
 * manager. For every manager that binds a JDBC connection to the thread: JDBC's, and JPA's over the
 * same data source.
 */
@NullMarked
package io.commslib.spring;

import org.jspecify.annotations.NullMarked;
