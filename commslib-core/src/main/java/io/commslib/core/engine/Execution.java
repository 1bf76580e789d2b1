package io.commslib.core.engine;

import io.commslib.core.call.CallContext;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.WorkInterrupts;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.wire.DeadLetterHeaders;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One run of a handler, with its deadline. Of the worker, which begins the commit, and the
 * watchdog, which ends the run at its deadline, the first decides whether the transaction may
 * commit. Thread-safe.
 */
final class Execution implements Delivery {

  private enum State {
    RUNNING,
    COMMITTING,
    OVERRUN,
    ENDED
  }

  private final LaneEntry entry;
  private final Message message;
  private final SubscriptionConfig config;
  private final TimeSource time;
  private final long deadlineNanos;
  private final Thread thread = Thread.currentThread();
  private State state = State.RUNNING;
  private @Nullable TransactionContext transaction;

  Execution(LaneEntry entry, Message message, SubscriptionConfig config, TimeSource time) {
    this.entry = entry;
    this.message = message;
    this.config = config;
    this.time = time;
    this.deadlineNanos = time.nanoTime() + config.handlerDeadline().toNanos();
  }

  LaneEntry entry() {
    return entry;
  }

  /** Makes the context of the handler. */
  CallContext context() {
    return HandlerContext.of(message, deadlineNanos, time);
  }

  long deadlineNanos() {
    return deadlineNanos;
  }

  void bind(TransactionContext tx) {
    this.transaction = tx;
  }

  /** Called by the worker before the commit; false if the deadline has passed, so it rolls back. */
  synchronized boolean beginCommit() {
    if (state == State.OVERRUN) {
      return false;
    }
    state = State.COMMITTING;
    return true;
  }

  /** Called by the watchdog; true if this call made it overrun. */
  synchronized boolean overrunAt(long nowNanos) {
    if (state != State.RUNNING || nowNanos - deadlineNanos < 0) {
      return false;
    }
    state = State.OVERRUN;
    TransactionContext tx = transaction;
    if (tx != null) {
      tx.setRollbackOnly();
    }
    WorkInterrupts.interrupt(this, thread);
    return true;
  }

  /** Whether the deadline has passed and the handler has not returned. */
  synchronized boolean isOverrun() {
    return state == State.OVERRUN;
  }

  /** Called by the worker after the handler has returned; true if the deadline had passed. */
  synchronized boolean end() {
    boolean overrun = state == State.OVERRUN;
    state = State.ENDED;
    // Neither the watchdog's interrupt nor the handler's own may reach the worker's next record.
    if (overrun) {
      WorkInterrupts.returned(this);
    } else {
      Thread.interrupted();
    }
    return overrun;
  }

  @Override
  public Message message() {
    return message;
  }

  @Override
  public ForeignRecord record() {
    return entry.raw.wire();
  }

  @Override
  public Destination destination() {
    return config.destination();
  }

  @Override
  public String group() {
    return config.group();
  }

  @Override
  public int attempt() {
    return entry.attemptNumber();
  }

  @Override
  public int redriveCount() {
    return DeadLetterHeaders.redriveCount(entry.raw.wire());
  }

  @Override
  public Duration remaining() {
    return Duration.ofNanos(Math.max(0, deadlineNanos - time.nanoTime()));
  }

  @Override
  public TransactionContext transaction() {
    TransactionContext tx = transaction;
    if (tx == null) {
      throw new IllegalStateException(
          "transaction: none (expected: SubscriptionConfig.transactional for "
              + destination()
              + ", "
              + group()
              + ")");
    }
    return tx;
  }

  @Override
  public String toString() {
    return "Delivery{" + message + ", attempt=" + attempt() + "}";
  }
}
