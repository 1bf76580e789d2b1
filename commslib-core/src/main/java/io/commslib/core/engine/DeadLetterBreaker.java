package io.commslib.core.engine;

import io.commslib.core.messaging.DeadLetterBreakerConfig;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Detects a dead-letter storm: one cause is about to dead-letter messages of many keys. Counts in
 * ten slices of the window; memory is bounded by slices, causes and keys. Confined to {@link
 * EngineState}'s lock.
 */
final class DeadLetterBreaker {

  private static final int SLICES = 10;
  private static final int MAX_CAUSES = 100;

  /** The dead letters of a tenth of the window, by cause. */
  private static final class Slice {
    final long number;
    final Map<String, CauseCount> causes = new HashMap<>();

    Slice(long number) {
      this.number = number;
    }
  }

  private static final class CauseCount {
    int count;
    final Set<Object> keys = new HashSet<>();
  }

  private final DeadLetterBreakerConfig config;
  private final long sliceNanos;
  private final ArrayDeque<Slice> slices = new ArrayDeque<>();

  /** Pairs of a time and the number of records settled until then. */
  private final ArrayDeque<long[]> samples = new ArrayDeque<>();

  DeadLetterBreaker(DeadLetterBreakerConfig bounds) {
    this.config = bounds;
    this.sliceNanos = bounds.window().toNanos() / SLICES;
  }

  /** Records the number of settled records; a call every few hundred messages suffices. */
  void sampleSettled(long settled, long nowNanos) {
    long[] last = samples.peekLast();
    if (last == null || nowNanos - last[0] >= sliceNanos) {
      samples.addLast(new long[] {nowNanos, settled});
      // One more than the window has slices: the count begins at the last sample before it.
      if (samples.size() > SLICES + 2) {
        samples.removeFirst();
      }
    }
  }

  /** Counts a dead letter about to be published; true if it belongs to a storm. */
  boolean countDeadLetter(String cause, @Nullable String key, long settled, long nowNanos) {
    Slice slice = slice(nowNanos);
    if (slice.causes.size() < MAX_CAUSES || slice.causes.containsKey(cause)) {
      CauseCount letters = slice.causes.computeIfAbsent(cause, name -> new CauseCount());
      letters.count++;
      if (letters.keys.size() < config.keys()) {
        letters.keys.add(key == null ? new Object() : key);
      }
    }
    return isStorm(cause, settled - settledBefore(nowNanos));
  }

  /** The records settled before the window; rather too few than too many. */
  private long settledBefore(long nowNanos) {
    long start = nowNanos - config.window().toNanos();
    long before = 0;
    while (!samples.isEmpty() && samples.peekFirst()[0] <= start) {
      before = samples.removeFirst()[1];
    }
    if (before > 0) {
      samples.addFirst(new long[] {start, before});
    }
    return before;
  }

  private boolean isStorm(String cause, long settled) {
    long count = 0;
    Set<Object> keys = new HashSet<>();
    for (Slice slice : slices) {
      CauseCount letters = slice.causes.get(cause);
      if (letters != null) {
        count += letters.count;
        keys.addAll(letters.keys);
      }
    }
    boolean many =
        count >= config.letters()
            || (count >= config.keys()
                && count * 100 >= config.sharePercent() * Math.max(settled, count));
    return many && keys.size() >= config.keys();
  }

  /** The storm is over: its dead letters do not count towards the next one. */
  void reset() {
    slices.clear();
  }

  private Slice slice(long nowNanos) {
    long number = Math.floorDiv(nowNanos, sliceNanos);
    while (!slices.isEmpty() && slices.peekFirst().number <= number - SLICES) {
      slices.removeFirst();
    }
    Slice last = slices.peekLast();
    if (last == null || last.number < number) {
      last = new Slice(number);
      slices.addLast(last);
    }
    return last;
  }
}
