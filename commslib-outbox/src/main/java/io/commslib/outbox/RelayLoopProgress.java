package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Progress of a loop: when its last pass ended, and what the pass in progress does. Written by the
 * loop's thread, read by any.
 */
final class RelayLoopProgress {

  /** The observer observes more often, unless the whole process is stopped. */
  private static final long MAX_OBSERVED_STEP_NANOS = Duration.ofSeconds(10).toNanos();

  private final String name;
  private final TimeSource time;
  private final AtomicReference<Object> doing = new AtomicReference<>("");
  private volatile boolean busy;
  private volatile long passes;
  private volatile long began;
  private volatile long ended;

  // The observer's.
  private long seenPasses;
  private long seenAt;
  private long inProgressNanos;

  /**
   * Creates the progress of a loop that has not begun.
   *
   * @param name the loop's role, such as {@code relay}
   */
  RelayLoopProgress(String name, TimeSource time) {
    this.name = name;
    this.time = time;
    this.began = time.nanoTime();
    this.ended = began;
    this.seenAt = began;
  }

  String name() {
    return name;
  }

  /** A pass begins. */
  void begin() {
    began = time.nanoTime();
    busy = true;
  }

  /** A pass has ended; the loop waits for work from now on. */
  void end() {
    doing.lazySet("");
    ended = time.nanoTime();
    long count = passes;
    passes = count + 1;
    busy = false;
  }

  /**
   * Records the next step of the pass; costs next to nothing.
   *
   * @param what a description, or the row that is published
   */
  void doing(Object what) {
    doing.lazySet(what);
  }

  /** The time since the last pass ended. */
  Duration sinceLastPass() {
    return Duration.ofNanos(Math.max(0, time.nanoTime() - ended));
  }

  /** The time since the pass in progress began; zero if there is none. */
  Duration busyFor() {
    return busy ? Duration.ofNanos(Math.max(0, time.nanoTime() - began)) : Duration.ZERO;
  }

  /**
   * Returns the time for which the same pass has been in progress, as far as it was observed: a
   * stop of the whole process does not count. For one observer, which calls this a few times per
   * bound.
   */
  Duration observe() {
    long now = time.nanoTime();
    long count = passes;
    inProgressNanos =
        busy && count == seenPasses
            ? inProgressNanos + Math.min(now - seenAt, MAX_OBSERVED_STEP_NANOS)
            : 0;
    seenPasses = count;
    seenAt = now;
    return Duration.ofNanos(inProgressNanos);
  }

  /** The loop and the step of the pass in progress, in words. */
  String description() {
    Object what = doing.get();
    String words =
        what instanceof OutboxRow row
            ? "publishing " + row.place() + " to " + row.destination()
            : what.toString();
    return "the " + name + " loop" + (words.isEmpty() ? "" : ", " + words);
  }
}
