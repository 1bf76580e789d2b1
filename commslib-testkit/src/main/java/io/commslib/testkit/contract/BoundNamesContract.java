package io.commslib.testkit.contract;

import io.commslib.core.observe.CommsObserver;
import org.junit.jupiter.api.Nested;

/**
 * The chapters of {@link MessageTransportContract} that names on the broker can break. The test
 * class of an adapter extends it with a harness whose destinations have names and objects of
 * others, beside the whole contract with the names of the library.
 */
public abstract class BoundNamesContract {

  /** Creates the contract; for subclasses. */
  protected BoundNamesContract() {}

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
      return BoundNamesContract.this.createHarness(observer);
    }
  }

  /** Rules on groups and their members. */
  @Nested
  class Groups extends GroupChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return BoundNamesContract.this.createHarness(observer);
    }
  }

  /** Rules on listing, redriving and discarding dead letters. */
  @Nested
  class DeadLetters extends DeadLetterChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return BoundNamesContract.this.createHarness(observer);
    }
  }

  /** Rules on the order and the target of redriven dead letters. */
  @Nested
  class Redriving extends RedriveChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return BoundNamesContract.this.createHarness(observer);
    }
  }

  /** Rules on destinations that are only checked. */
  @Nested
  class VerifyOnly extends VerifyOnlyChapter {
    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      return BoundNamesContract.this.createHarness(observer);
    }
  }
}
