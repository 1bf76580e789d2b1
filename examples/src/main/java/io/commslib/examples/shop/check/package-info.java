/**
 * Looks at what the services did, counts what went wrong, and compares it with the file by a path
 * of its own.
 */
@NullMarked
package io.commslib.examples.shop.check;

import org.jspecify.annotations.NullMarked;
