package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The channel of one epoch of a consumer, with the ages of its unacknowledged deliveries. Ages are
 * kept for periods, so that a delivery costs two counts. Thread-safe; deliveries are received on
 * one thread at a time.
 */
final class ConsumerChannel {

  /** The deliveries that were received in one period. */
  static final class Period {
    private final long startNanos;
    private final AtomicInteger unacknowledged = new AtomicInteger();

    Period(long startNanos) {
      this.startNanos = startNanos;
    }

    /** A delivery of this period was acknowledged. */
    void acknowledged() {
      unacknowledged.decrementAndGet();
    }
  }

  private final Channel channel;
  private final long epoch;
  private final long periodNanos;
  private final ConcurrentLinkedDeque<Period> periods = new ConcurrentLinkedDeque<>();

  /**
   * Creates it.
   *
   * @param epoch number of the epoch
   * @param periodNanos by how much the age of a delivery may be overstated
   */
  ConsumerChannel(Channel channel, long epoch, long periodNanos) {
    this.channel = channel;
    this.epoch = epoch;
    this.periodNanos = periodNanos;
  }

  Channel channel() {
    return channel;
  }

  long epoch() {
    return epoch;
  }

  /** A delivery was received. Returns its period. */
  Period received(long nowNanos) {
    Period last = periods.peekLast();
    if (last == null || nowNanos - last.startNanos >= periodNanos) {
      last = new Period(nowNanos);
      last.unacknowledged.incrementAndGet();
      periods.addLast(last);
    } else {
      last.unacknowledged.incrementAndGet();
    }
    return last;
  }

  /** {@return the age of the oldest unacknowledged delivery; -1 if there is none} */
  long oldestNanos(long nowNanos) {
    Period first = periods.peekFirst();
    while (first != null && first.unacknowledged.get() <= 0) {
      @Nullable Period last = periods.peekLast();
      if (first == last) {
        // Deliveries may still be added to it.
        return -1;
      }
      periods.pollFirst();
      first = periods.peekFirst();
    }
    return first == null ? -1 : Math.max(0, nowNanos - first.startNanos);
  }
}
