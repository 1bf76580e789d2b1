/** Digests of texts and bytes that are stored or sent, so their values never change. */
@NullMarked
package io.commslib.core.hash;

import org.jspecify.annotations.NullMarked;
