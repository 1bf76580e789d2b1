/** The README's snippet as a program: one message through the in-memory transport. */
@NullMarked
package io.commslib.examples.hello;

import org.jspecify.annotations.NullMarked;
