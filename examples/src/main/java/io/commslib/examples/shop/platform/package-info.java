/**
 * The common components of the services: database, transport, counting outbox, HTTP, and log of
 * effects.
 */
@NullMarked
package io.commslib.examples.shop.platform;

import org.jspecify.annotations.NullMarked;
