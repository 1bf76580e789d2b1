/** What the engines report while they work. */
@NullMarked
package io.commslib.core.observe;

import org.jspecify.annotations.NullMarked;
