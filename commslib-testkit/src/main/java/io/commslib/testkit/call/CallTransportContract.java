package io.commslib.testkit.call;

import org.junit.jupiter.api.Nested;

/**
 * The contract of guarded calls over a {@link io.commslib.core.call.CallTransport}, one test for
 * each rule, in chapters. The test class of an adapter extends it and makes a {@link CallHarness};
 * every rule runs on every transport, under virtual time or in real time, and none is skipped.
 *
 * <p>Each rule names the {@link CallSaboteur} that breaks it, and {@link CallSaboteurContract}
 * proves that it does.
 */
public abstract class CallTransportContract {

  /** Creates the contract; for subclasses. */
  protected CallTransportContract() {}

  /**
   * Makes a harness with a transport of its own. Called before each test; the contract closes it.
   *
   * @return new harness
   * @throws Exception to fail the test
   */
  protected abstract CallHarness createHarness() throws Exception;

  /** Rules on what the caller learns about an attempt, and on the statuses. */
  @Nested
  class Certainty extends CertaintyChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }

  /** Rules on which attempts are repeated. */
  @Nested
  class Repetition extends RepetitionChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }

  /** Rules on the time of attempts and calls, and on interrupts. */
  @Nested
  class Time extends TimeChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }

  /** Rules on what travels with an attempt, and on the remote's advice. */
  @Nested
  class Head extends HeadChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }

  /** Rules on breaker, bulkhead and rate limiter. */
  @Nested
  class Policies extends PolicyChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }

  /** Rules on the content of answers, connections and threads. */
  @Nested
  class Answers extends AnswerChapter {
    @Override
    protected CallHarness createHarness() throws Exception {
      return CallTransportContract.this.createHarness();
    }
  }
}
