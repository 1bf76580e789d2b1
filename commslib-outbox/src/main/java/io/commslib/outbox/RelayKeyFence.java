package io.commslib.outbox;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps later messages of a key from the transport between the moment a publish of the key fails
 * and the moment the relay's thread learns of it: a transport that fences keys refuses what it was
 * given until the failure is told, not what it is given afterwards. Failures are noted by the
 * transport's threads, which wait for a publish of the same key under way; so either the publish
 * comes first and is fenced, or it sees the failure. They wait for no other key (nearly: keys share
 * locks): a publish may itself wait until such a thread makes room. Thread-safe.
 */
final class RelayKeyFence {

  private static final int STRIPES = 256;

  private static final class Stripe {
    final ReentrantLock lock = new ReentrantLock();
    final Map<String, Integer> failures = new HashMap<>();
  }

  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Failures of which not even the key could be noted. */
  private final AtomicInteger unrecorded = new AtomicInteger();

  RelayKeyFence() {
    Arrays.setAll(stripes, place -> new Stripe());
  }

  private Stripe stripe(String lane) {
    int hash = lane.hashCode();
    return stripes[(hash ^ (hash >>> 16)) & (STRIPES - 1)];
  }

  /**
   * A publish has failed; called before its stage's dependents return.
   *
   * @return whether it could be noted; if not, no message with a key is handed over until it is
   *     known
   */
  boolean failed(@Nullable String lane) {
    if (lane == null) {
      return true;
    }
    try {
      return recordFailure(stripe(lane), lane);
    } catch (Throwable e) {
      // Not even the lock was to be had.
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
      // For want of memory. Before the lock is free again: no later one of the key may slip
      // through.
      unrecorded.incrementAndGet();
      return false;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** The relay's thread knows of a failure now. */
  void known(@Nullable String lane, boolean noted) {
    if (!noted) {
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

  /** Hands a message over unless a failure of its lane is not known yet; says whether it did. */
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
