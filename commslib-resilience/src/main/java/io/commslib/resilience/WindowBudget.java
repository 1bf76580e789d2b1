package io.commslib.resilience;

import io.commslib.core.resilience.RetryBudget;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A budget over a sliding window of ten slices: calls add to their slice, retries take from it, and
 * both are forgotten with it. The idea is that of Finagle's {@code RetryBudget}.
 */
final class WindowBudget implements RetryBudget {

  private static final int SLICES = 10;

  /** A cell holds the number of the slice above these bits, and a count below. */
  private static final int COUNT_BITS = 32;

  private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;

  private final TimeSource time;
  private final long originNanos;
  private final AtomicLongArray calls = new AtomicLongArray(SLICES);
  private final AtomicLongArray repeats = new AtomicLongArray(SLICES);
  private final Object withdrawing = new Object();
  private volatile Settings settings;

  /** The configuration, and the nanoseconds of a slice of its window. */
  private record Settings(RetryBudgetConfig config, long sliceNanos) {

    static Settings of(RetryBudgetConfig config) {
      return new Settings(config, config.window().toNanos() / SLICES);
    }
  }

  WindowBudget(RetryBudgetConfig config, TimeSource time) {
    this.settings = Settings.of(config);
    this.time = time;
    this.originNanos = time.nanoTime();
  }

  /** Replaces the settings; what was counted stays counted. */
  void config(RetryBudgetConfig next) {
    settings = Settings.of(next);
  }

  @Override
  public void deposit() {
    deposit(time.nanoTime());
  }

  /** As {@link #deposit()}, with a reading of the clock that the caller has. */
  void deposit(long nowNanos) {
    add(calls, slice(settings, nowNanos));
  }

  @Override
  public boolean tryWithdraw() {
    Settings now = settings;
    long slice = slice(now, time.nanoTime());
    // Otherwise several threads could see the last one and all take it.
    synchronized (withdrawing) {
      if (hundredths(now.config, slice) < 100) {
        return false;
      }
      add(repeats, slice);
      return true;
    }
  }

  @Override
  public int balance() {
    Settings now = settings;
    long hundredths = hundredths(now.config, slice(now, time.nanoTime()));
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, hundredths / 100));
  }

  /** The hundredths of a retry that are left. */
  private long hundredths(RetryBudgetConfig now, long slice) {
    long earned = sum(calls, slice) * now.percent();
    long floor = 100L * now.perSecond() * now.window().toSeconds();
    return earned + floor - 100 * sum(repeats, slice);
  }

  private long slice(Settings now, long nanos) {
    return (nanos - originNanos) / now.sliceNanos + 1;
  }

  private static void add(AtomicLongArray cells, long slice) {
    int index = (int) (slice % SLICES);
    long tag = (slice & COUNT_MASK) << COUNT_BITS;
    while (true) {
      long cell = cells.get(index);
      boolean current = (cell & ~COUNT_MASK) == tag;
      if (current && (cell & COUNT_MASK) == COUNT_MASK) {
        return;
      }
      if (cells.compareAndSet(index, cell, current ? cell + 1 : tag | 1)) {
        return;
      }
    }
  }

  private static long sum(AtomicLongArray cells, long slice) {
    long sum = 0;
    for (long each = Math.max(0, slice - SLICES + 1); each <= slice; each++) {
      long cell = cells.get((int) (each % SLICES));
      if ((cell & ~COUNT_MASK) == (each & COUNT_MASK) << COUNT_BITS) {
        sum += cell & COUNT_MASK;
      }
    }
    return sum;
  }
}
