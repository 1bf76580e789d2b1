/**
 * The transport and the transactions that live in this process: for tests, for examples and for
 * small applications.
 */
@NullMarked
package io.commslib.core.inmemory;

import org.jspecify.annotations.NullMarked;
