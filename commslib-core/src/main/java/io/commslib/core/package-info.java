/** Failures, lifecycle and health shared by every room of the library. */
@NullMarked
package io.commslib.core;

import org.jspecify.annotations.NullMarked;
