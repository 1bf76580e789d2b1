/**
 * What proves a transport: its contract ({@link io.commslib.testkit.MessageTransportContract}), and
 * the saboteurs that prove the contract. For tests only; nothing here belongs on the class path of
 * a running service.
 */
@NullMarked
package io.commslib.testkit;

import org.jspecify.annotations.NullMarked;
