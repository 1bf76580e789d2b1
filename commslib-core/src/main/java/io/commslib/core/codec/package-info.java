/** Turning events into bodies and back: codecs and the closed registry of logical type names. */
@NullMarked
package io.commslib.core.codec;

import org.jspecify.annotations.NullMarked;
