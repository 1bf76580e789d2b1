/**
 * The model of calls to other services, for every protocol: {@link
 * io.commslib.core.call.CallTarget} states what is called and whether a repetition is harmless,
 * {@link io.commslib.core.call.CallContext} travels with the work and has its deadline, and {@link
 * io.commslib.core.call.CallOutcome} states the end of an attempt. Policies of {@code
 * io.commslib.core.resilience} decide by these values only. The values are immutable, the ports
 * state their own rules.
 */
@NullMarked
package io.commslib.core.call;

import org.jspecify.annotations.NullMarked;
