package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.Gate;
import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Asks the subscription's gate and notices a gate that does not return. A gate that throws counts
 * as closed. Thread-safe.
 */
final class GateCheck {

  private final Gate gate;
  private final long deadlineNanos;
  private final TimeSource time;
  private final EngineEvents events;

  /** Workers that wait for the gate's answer. */
  private final AtomicInteger calls = new AtomicInteger();

  /** Time of the first of these calls or of the last answer, whichever is later. */
  private volatile long sinceNanos;

  GateCheck(SubscriptionConfig config, TimeSource time, EngineEvents events) {
    this.gate = config.gate();
    this.deadlineNanos = config.handlerDeadline().toNanos();
    this.time = time;
    this.events = events;
  }

  boolean isOpen() {
    if (gate == Gate.open()) {
      return true;
    }
    begin();
    try {
      return gate.isOpen();
    } catch (Throwable e) {
      events.componentFailed("the gate failed and counts as closed", e);
      return false;
    } finally {
      end();
    }
  }

  /** Called once on the same thread after {@link #isOpen} was true. */
  void ended() {
    if (gate == Gate.open()) {
      return;
    }
    begin();
    try {
      gate.ended();
    } catch (Throwable e) {
      events.componentFailed("the gate failed at the end of a handler", e);
    } finally {
      end();
    }
  }

  private void begin() {
    if (calls.getAndIncrement() == 0) {
      sinceNanos = time.nanoTime();
    }
  }

  private void end() {
    calls.decrementAndGet();
    sinceNanos = time.nanoTime();
  }

  /** Whether workers wait for the gate and no answer has come within the handler deadline. */
  boolean hangs() {
    return calls.get() > 0 && time.nanoTime() - sinceNanos > deadlineNanos;
  }
}
