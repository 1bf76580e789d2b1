package io.commslib.outbox;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps later messages of a key from the transport between the failure of a publish and the moment
 * the relay's thread learns of it. A transport that fences keys refuses the messages of the key
 * that it accepted before it reported the failure, and accepts later ones again.
 *
 * <p>The transport's threads record failures. They wait for a publish of the same key in progress:
 * either that publish comes first, and the transport refuses it, or it sees the failure. They must
 * not wait for publishes of other keys, because such a publish may wait until one of these threads
 * frees capacity. Keys that share a stripe are an exception with a small probability. Thread-safe.
 */
final class RelayKeyFence {

  private static final int STRIPES = 256;

  private static final class Stripe {
    final ReentrantLock lock = new ReentrantLock();
    final Map<String, Integer> failures = new HashMap<>();
  }

  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Failures whose key could not be recorded. */
  private final AtomicInteger unrecorded = new AtomicInteger();

  RelayKeyFence() {
    Arrays.setAll(stripes, place -> new Stripe());
  }

  private Stripe stripe(String lane) {
    int hash = lane.hashCode();
    return stripes[(hash ^ (hash >>> 16)) & (STRIPES - 1)];
  }

  /**
   * A publish has failed. Must be called before the dependents of its stage return.
   *
   * @return whether the failure was recorded; if not, no message with a key is published until
   *     {@link #known}
   */
  boolean failed(@Nullable String lane) {
    if (lane == null) {
      return true;
    }
    try {
      return recordFailure(stripe(lane), lane);
    } catch (Throwable e) {
      // Not even the lock could be acquired.
      unrecorded.incrementAndGet();
      return false;
    }
  }

  private boolean recordFailure(Stripe stripe, String lane) {
    stripe.lock.lock();
    try {
      stripe.failures.merge(lane, 1, Integer::sum);
      return true;
    } catch (Throwable e) {
      // Out of memory. Counted before the lock is released, so that no later message of the key
      // passes.
      unrecorded.incrementAndGet();
      return false;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** The relay's thread has learned of a failure. */
  void known(@Nullable String lane, boolean recorded) {
    if (!recorded) {
      unrecorded.decrementAndGet();
    } else if (lane != null) {
      Stripe stripe = stripe(lane);
      stripe.lock.lock();
      try {
        stripe.failures.computeIfPresent(lane, (name, count) -> count == 1 ? null : count - 1);
      } finally {
        stripe.lock.unlock();
      }
    }
  }

  /** Publishes a message unless a failure of its lane is not known yet; returns whether it did. */
  boolean publishUnlessFailed(@Nullable String lane, Runnable publish) {
    if (lane == null) {
      publish.run();
      return true;
    }
    Stripe stripe = stripe(lane);
    stripe.lock.lock();
    try {
      if (unrecorded.get() > 0 || stripe.failures.containsKey(lane)) {
        return false;
      }
      publish.run();
      return true;
    } finally {
      stripe.lock.unlock();
    }
  }
}
