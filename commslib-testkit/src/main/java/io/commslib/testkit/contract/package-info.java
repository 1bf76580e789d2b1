/**
 * The contract of message transports, for authors of adapters. Start with {@link
 * io.commslib.testkit.contract.MessageTransportContract}, {@link
 * io.commslib.testkit.contract.BadInputContract}, {@link
 * io.commslib.testkit.contract.FormatContract} and {@link
 * io.commslib.testkit.contract.TransportHarness}: a test class of the adapter implements a contract
 * and provides the harness. Every rule names the saboteurs that must make it fail.
 */
@NullMarked
package io.commslib.testkit.contract;

import org.jspecify.annotations.NullMarked;
