/**
 * Starts and drains the components of a service in a safe order. Start with {@link
 * io.commslib.core.lifecycle.Lifecycle}; a component of your own implements {@link
 * io.commslib.core.lifecycle.LifecycleComponent}. A lifecycle is thread-safe; each component is
 * started, drained and closed once.
 */
@NullMarked
package io.commslib.core.lifecycle;

import org.jspecify.annotations.NullMarked;
