/**
 * Transports that break one promise each, so that a rule of the contract can be seen to fail. Start
 * with {@link io.commslib.testkit.sabotage.Saboteur}.
 */
@NullMarked
package io.commslib.testkit.sabotage;

import org.jspecify.annotations.NullMarked;
