/** What the services say to each other: the only thing they share, with the queues it goes over. */
@NullMarked
package io.commslib.examples.shop.messages;

import org.jspecify.annotations.NullMarked;
