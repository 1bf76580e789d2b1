package io.commslib.testkit.contract;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.sabotage.Saboteur;
import org.junit.jupiter.api.Nested;

/**
 * The contract of {@link io.commslib.core.messaging.MessageTransport}, one test for each rule, in
 * chapters. The test class of an adapter extends it and makes a {@link TransportHarness}; every
 * rule runs on every transport. Where a rule depends on a {@link
 * io.commslib.core.messaging.Capability} it demands one behaviour with it and another without it,
 * and skips nothing.
 *
 * <p>Each rule names the {@link Saboteur} that breaks it, and tests of the testkit prove that it
 * does. At the end of each test the ledger of every subscription must balance.
 */
public abstract class MessageTransportContract {

  /** Creates the contract; for subclasses. */
  protected MessageTransportContract() {}

  /**
   * Makes a harness with a transport of its own. Called before each test; the contract closes it.
   *
   * @param observer the observer of the transport's subscriptions
   * @return new harness
   * @throws Exception to fail the test
   */
  protected abstract TransportHarness createHarness(CommsObserver observer) throws Exception;

  /** Rules on what a confirmed and a failed publish mean. */
  @Nested
  class Publishing extends PublishChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on what of a message arrives. */
  @Nested
  class RoundTrips extends RoundTripChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on order, parallelism and bounds. */
  @Nested
  class Ordering extends OrderChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on groups and their members. */
  @Nested
  class Groups extends GroupChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on the settlements. */
  @Nested
  class Settlements extends SettlementChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on handlers that fail, overrun or are never called. */
  @Nested
  class Failures extends FailureChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on listing, redriving and discarding dead letters. */
  @Nested
  class DeadLetters extends DeadLetterChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on the order and the target of redriven dead letters. */
  @Nested
  class Redriving extends RedriveChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on handlers in a transaction with an inbox. */
  @Nested
  class Transactions extends TransactionChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on batches. */
  @Nested
  class Batches extends BatchChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on the messages that follow a dead letter. */
  @Nested
  class BlockedKeys extends BlockedKeyChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on the lifecycle of subscriptions and transports. */
  @Nested
  class Lifecycle extends LifecycleChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }

  /** Rules on destinations that are only checked. */
  @Nested
  class VerifyOnly extends VerifyOnlyChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return MessageTransportContract.this.createHarness(observer);
    }
  }
}
