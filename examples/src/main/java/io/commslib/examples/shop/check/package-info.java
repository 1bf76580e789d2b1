/**
 * Reads the results of the services, counts violations, and compares totals with the file. Shares
 * no code with the services.
 */
@NullMarked
package io.commslib.examples.shop.check;

import org.jspecify.annotations.NullMarked;
