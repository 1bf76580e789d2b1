package io.commslib.resilience;

import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.Gate;
import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets messages pass while the breaker is closed, none while it is open, and one at a time once it
 * admits a probe. The message that passed has the time of an attempt to make its call; then another
 * one may pass, so that a message whose handler makes no call does not close the gate for good.
 */
final class GuardGate implements Gate {

  private static final long NONE = Long.MIN_VALUE;

  private final Guard guard;
  private final TimeSource time;
  private final AtomicLong passedUntil = new AtomicLong(NONE);

  GuardGate(Guard guard, TimeSource time) {
    this.guard = guard;
    this.time = time;
  }

  @Override
  public boolean isOpen() {
    if (!guard.plan().hasBreaker) {
      return true;
    }
    PhaseBreaker breaker = guard.breaker();
    State state = breaker.state();
    if (state == State.CLOSED || state == State.DISABLED) {
      return true;
    }
    if (!breaker.admits()) {
      return false;
    }
    long now = time.nanoTime();
    long until = passedUntil.get();
    return (until == NONE || now - until >= 0)
        && passedUntil.compareAndSet(
            until, now + Math.min(guard.plan().attemptNanos, guard.plan().deadlineNanos));
  }

  /** An attempt has ended: the next message may pass. */
  void attemptEnded() {
    if (passedUntil.get() != NONE) {
      passedUntil.set(NONE);
    }
  }
}
