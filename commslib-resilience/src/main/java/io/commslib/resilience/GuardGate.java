package io.commslib.resilience;

import io.commslib.core.resilience.Gate;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Lets messages pass while the breaker is closed, none while it is open, and one at a time once it
 * admits a probe. The next one passes when the handler of that message has ended. After the time of
 * a call the next one passes in any case, so that a handler that hangs does not close the gate for
 * good. With a split it is as open as the best of the subsets that get calls.
 */
final class GuardGate implements Gate {

  /** What one message holds, on whose thread its handler runs. */
  private record Pass(Thread holder, long untilNanos) {}

  private final Guard guard;
  private final TimeSource time;
  private final AtomicReference<@Nullable Pass> pass = new AtomicReference<>();

  GuardGate(Guard guard, TimeSource time) {
    this.guard = guard;
    this.time = time;
  }

  @Override
  public boolean isOpen() {
    if (!guard.plan().hasBreaker) {
      return true;
    }
    TrafficSplit split = guard.plan().split;
    if (guard.lanes().any(split, Lane::isClosed)) {
      return true;
    }
    if (!guard.lanes().any(split, lane -> lane.breaker.admits())) {
      return false;
    }
    long now = time.nanoTime();
    Pass held = pass.get();
    return (held == null || now - held.untilNanos >= 0)
        && pass.compareAndSet(
            held, new Pass(Thread.currentThread(), now + guard.plan().deadlineNanos));
  }

  /** A message that passed the closed breaker holds nothing. */
  @Override
  public void ended() {
    Pass held = pass.get();
    if (held != null && held.holder == Thread.currentThread()) {
      pass.compareAndSet(held, null);
    }
  }
}
