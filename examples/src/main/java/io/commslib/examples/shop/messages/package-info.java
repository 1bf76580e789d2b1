/** The messages between the services and their queues, the only code that the services share. */
@NullMarked
package io.commslib.examples.shop.messages;

import org.jspecify.annotations.NullMarked;
