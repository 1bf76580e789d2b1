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
  private final Object withdrawing = new Object();
  private volatile Settings settings;

  /** The configuration, the nanoseconds of a slice of its window, and what was counted. */
  private record Settings(
      RetryBudgetConfig config, long sliceNanos, AtomicLongArray calls, AtomicLongArray repeats) {

    static Settings of(RetryBudgetConfig config) {
      return new Settings(
          config, sliceNanos(config), new AtomicLongArray(SLICES), new AtomicLongArray(SLICES));
    }

    static long sliceNanos(RetryBudgetConfig config) {
      return config.window().toNanos() / SLICES;
    }
  }

  WindowBudget(RetryBudgetConfig config, TimeSource time) {
    this.settings = Settings.of(config);
    this.time = time;
    this.originNanos = time.nanoTime();
  }

  /** Replaces the settings; what was counted stays counted. */
  void config(RetryBudgetConfig next) {
    synchronized (withdrawing) {
      Settings before = settings;
      if (Settings.sliceNanos(next) == before.sliceNanos) {
        settings = new Settings(next, before.sliceNanos, before.calls, before.repeats);
        return;
      }
      // Slices of another length have other numbers: all counts go to the current one.
      long nanos = time.nanoTime();
      Settings after = Settings.of(next);
      put(after.calls, slice(after, nanos), sum(before.calls, slice(before, nanos)));
      put(after.repeats, slice(after, nanos), sum(before.repeats, slice(before, nanos)));
      settings = after;
    }
  }

  private static void put(AtomicLongArray cells, long slice, long count) {
    long tag = (slice & COUNT_MASK) << COUNT_BITS;
    cells.set((int) (slice % SLICES), tag | Math.min(count, COUNT_MASK));
  }

  @Override
  public void deposit() {
    deposit(time.nanoTime());
  }

  /** As {@link #deposit()}, with a reading of the clock that the caller has. */
  void deposit(long nowNanos) {
    Settings now = settings;
    add(now.calls, slice(now, nowNanos));
  }

  @Override
  public boolean tryWithdraw() {
    // Otherwise several threads could see the last one and all take it.
    synchronized (withdrawing) {
      Settings now = settings;
      long slice = slice(now, time.nanoTime());
      if (hundredths(now, slice) < 100) {
        return false;
      }
      add(now.repeats, slice);
      return true;
    }
  }

  @Override
  public int balance() {
    Settings now = settings;
    long hundredths = hundredths(now, slice(now, time.nanoTime()));
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, hundredths / 100));
  }

  /** The hundredths of a retry that are left. */
  private static long hundredths(Settings now, long slice) {
    RetryBudgetConfig config = now.config;
    long earned = sum(now.calls, slice) * config.percent();
    long floor = 100L * config.perSecond() * config.window().toSeconds();
    return earned + floor - 100 * sum(now.repeats, slice);
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
