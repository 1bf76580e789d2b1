/**
 * Tools for tests of services that use the library: {@link io.commslib.testkit.MessagingScenario}
 * runs handlers without a broker, {@link io.commslib.testkit.RecordingObserver} keeps what was
 * observed, {@link io.commslib.testkit.Await} waits with a limit. The packages below it hold the
 * contracts of transports for messages and for calls, the saboteurs that prove them, the judge of
 * recorded histories, faults of networks and processes, and a simulator. For tests only: nothing
 * here belongs on the class path of a running service.
 */
@NullMarked
package io.commslib.testkit;

import org.jspecify.annotations.NullMarked;
