/** Digests of texts and bytes. They are stored and sent, so their values never change. */
@NullMarked
package io.commslib.core.hash;

import org.jspecify.annotations.NullMarked;
