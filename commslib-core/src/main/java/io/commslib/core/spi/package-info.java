/**
 * What transport adapters program against: the delivery engine, the raw delivery and the settler.
 * Applications do not use it.
 */
@NullMarked
package io.commslib.core.spi;

import org.jspecify.annotations.NullMarked;
