/**
 * The contract of call transports, for authors of adapters, and a scripted transport for tests of
 * code that makes guarded calls. Start with {@link io.commslib.testkit.call.CallTransportContract},
 * {@link io.commslib.testkit.call.CallHarness} and {@link
 * io.commslib.testkit.call.ScriptedCallTransport}. Every rule names the saboteurs that must make it
 * fail.
 */
@NullMarked
package io.commslib.testkit.call;

import org.jspecify.annotations.NullMarked;
