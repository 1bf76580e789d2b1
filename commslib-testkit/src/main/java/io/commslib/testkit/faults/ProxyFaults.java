package io.commslib.testkit.faults;

import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** The current faults of a proxy, and the delay they mean for a piece of data. */
final class ProxyFaults {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Direction> blackHoles = EnumSet.noneOf(Direction.class);
  private final long[] forwarded = new long[Direction.values().length];
  private final long[] cutAt = {Long.MAX_VALUE, Long.MAX_VALUE};
  private final long[] blackHoleAt = {Long.MAX_VALUE, Long.MAX_VALUE};
  private long delayNanos;
  private long bytesPerSecond = Long.MAX_VALUE;

  void blackHole(Direction direction) {
    lock.lock();
    try {
      blackHoles.add(direction);
    } finally {
      lock.unlock();
    }
  }

  void cutAfter(Direction direction, long bytes) {
    lock.lock();
    try {
      cutAt[direction.ordinal()] = forwarded[direction.ordinal()] + bytes;
    } finally {
      lock.unlock();
    }
  }

  void blackHoleAfter(Direction direction, long bytes) {
    lock.lock();
    try {
      blackHoleAt[direction.ordinal()] = forwarded[direction.ordinal()] + bytes;
    } finally {
      lock.unlock();
    }
  }

  void delay(Duration delay) {
    lock.lock();
    try {
      delayNanos = delay.toNanos();
    } finally {
      lock.unlock();
    }
  }

  void throttle(long rate) {
    lock.lock();
    try {
      bytesPerSecond = rate;
    } finally {
      lock.unlock();
    }
  }

  void heal() {
    lock.lock();
    try {
      blackHoles.clear();
      cutAt[0] = Long.MAX_VALUE;
      cutAt[1] = Long.MAX_VALUE;
      blackHoleAt[0] = Long.MAX_VALUE;
      blackHoleAt[1] = Long.MAX_VALUE;
      delayNanos = 0;
      bytesPerSecond = Long.MAX_VALUE;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Wakes waiting threads, so that they see that their connection is gone. */
  void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  long forwardedBytes(Direction direction) {
    lock.lock();
    try {
      return forwarded[direction.ordinal()];
    } finally {
      lock.unlock();
    }
  }

  /** Returns the number of bytes to forward before a fault begins, or all of them. */
  int allowed(Direction direction, int bytes) {
    lock.lock();
    try {
      int at = direction.ordinal();
      return (int) Math.min(bytes, Math.min(cutAt[at], blackHoleAt[at]) - forwarded[at]);
    } finally {
      lock.unlock();
    }
  }

  /** Counts forwarded bytes and returns whether to cut the connection now. */
  boolean forwarded(Direction direction, int bytes) {
    lock.lock();
    try {
      forwarded[direction.ordinal()] += bytes;
      boolean cut = forwarded[direction.ordinal()] >= cutAt[direction.ordinal()];
      if (cut) {
        cutAt[direction.ordinal()] = Long.MAX_VALUE;
      }
      if (forwarded[direction.ordinal()] >= blackHoleAt[direction.ordinal()]) {
        blackHoleAt[direction.ordinal()] = Long.MAX_VALUE;
        blackHoles.add(direction);
      }
      return cut;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Delays a piece of data as the faults require.
   *
   * @return false if the connection is gone
   */
  boolean hold(Direction direction, int bytes, BooleanSupplier gone) throws InterruptedException {
    lock.lock();
    try {
      long wait = delayNanos;
      if (bytesPerSecond != Long.MAX_VALUE) {
        wait += (long) (1e9 * bytes / bytesPerSecond);
      }
      long end = System.nanoTime() + wait;
      while (!gone.getAsBoolean()) {
        long left = end - System.nanoTime();
        boolean slow = delayNanos > 0 || bytesPerSecond != Long.MAX_VALUE;
        if (blackHoles.contains(direction)) {
          changed.await();
        } else if (slow && left > 0) {
          changed.await(left, TimeUnit.NANOSECONDS);
        } else {
          return true;
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }
}
