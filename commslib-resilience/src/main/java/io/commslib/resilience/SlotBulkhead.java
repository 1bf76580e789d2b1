package io.commslib.resilience;

import io.commslib.core.resilience.Bulkhead;
import java.util.concurrent.atomic.AtomicInteger;

/** A bulkhead without a queue. Its limit can be replaced while slots are taken. */
final class SlotBulkhead implements Bulkhead {

  private final AtomicInteger taken = new AtomicInteger();
  private volatile int limit;

  SlotBulkhead(int limit) {
    this.limit = limit;
  }

  /** Replaces the limit; slots that are taken stay taken. */
  void limit(int next) {
    limit = next;
  }

  @Override
  public boolean tryAcquire() {
    int now = taken.get();
    while (now < limit) {
      if (taken.compareAndSet(now, now + 1)) {
        return true;
      }
      now = taken.get();
    }
    return false;
  }

  @Override
  public void release() {
    taken.decrementAndGet();
  }

  @Override
  public int inFlight() {
    return taken.get();
  }

  @Override
  public int limit() {
    return limit;
  }
}
