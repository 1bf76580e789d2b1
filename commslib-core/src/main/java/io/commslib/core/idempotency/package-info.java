/** Doing a thing once: the inbox for messages and the store for requests with results. */
@NullMarked
package io.commslib.core.idempotency;

import org.jspecify.annotations.NullMarked;
