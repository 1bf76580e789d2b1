/**
 * What every service of the shop is made with: database, transport, outbox that counts, log of
 * effects.
 */
@NullMarked
package io.commslib.examples.shop.platform;

import org.jspecify.annotations.NullMarked;
