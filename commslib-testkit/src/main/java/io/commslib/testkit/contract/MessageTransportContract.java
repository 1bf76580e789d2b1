package io.commslib.testkit.contract;

import io.commslib.testkit.sabotage.Saboteur;

/**
 * The contract of {@link io.commslib.core.messaging.MessageTransport}, one test a sentence. An
 * adapter's test extends it and makes a {@link TransportHarness}; every sentence runs on every
 * transport. Where a sentence depends on a {@link io.commslib.core.messaging.Capability} it demands
 * the one behaviour with it and the other without: nothing is skipped.
 *
 * <p>Each sentence names the {@link Saboteur} that breaks it; the testkit's own tests prove that it
 * does. At the end of each test the ledger of every subscription must balance.
 */
public abstract class MessageTransportContract extends LifecycleSentences {

  /** Creates the contract; for subclasses. */
  protected MessageTransportContract() {}
}
