/**
 * Faults of networks and processes: {@link io.commslib.testkit.faults.TcpFaultProxy} breaks
 * connections, {@link io.commslib.testkit.faults.CrashPoints} ends a process, or plays its end, at
 * a named place.
 */
@NullMarked
package io.commslib.testkit.faults;

import org.jspecify.annotations.NullMarked;
