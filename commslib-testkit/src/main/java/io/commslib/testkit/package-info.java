/**
 * What proves a transport and the services on it: the contract ({@link
 * io.commslib.testkit.MessageTransportContract}) with the saboteurs that prove the contract, the
 * oracle that judges recorded histories ({@link io.commslib.testkit.HistoryOracle}), a TCP proxy
 * that breaks connections ({@link io.commslib.testkit.TcpFaultProxy}), and places where a process
 * dies ({@link io.commslib.testkit.CrashPoints}). For tests only; nothing here belongs on the class
 * path of a running service.
 */
@NullMarked
package io.commslib.testkit;

import org.jspecify.annotations.NullMarked;
