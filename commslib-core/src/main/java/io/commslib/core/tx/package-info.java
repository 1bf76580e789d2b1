/** The caller's transaction, as the outbox, the inbox and handlers see it. */
@NullMarked
package io.commslib.core.tx;

import org.jspecify.annotations.NullMarked;
