package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How a loop gets on: when its last pass ended, and what it does in the one under way. Written by
 * the loop's thread, read by any.
 */
final class RelayLoopProgress {

  /** Whoever observes loops does so more often, unless the whole process is stopped. */
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
   * Creates the pulse of a loop that has not begun.
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

  /** A pass has ended; what the loop waits for now is work. */
  void end() {
    doing.lazySet("");
    ended = time.nanoTime();
    long count = passes;
    passes = count + 1;
    busy = false;
  }

  /**
   * Notes what is done next; costs next to nothing.
   *
   * @param what words, or a row that is published
   */
  void doing(Object what) {
    doing.lazySet(what);
  }

  /** The time since the last pass ended. */
  Duration sinceLastPass() {
    return Duration.ofNanos(Math.max(0, time.nanoTime() - ended));
  }

  /** The time since the pass under way began; zero if there is none. */
  Duration busyFor() {
    return busy ? Duration.ofNanos(Math.max(0, time.nanoTime() - began)) : Duration.ZERO;
  }

  /**
   * Returns for how long the same pass has been under way, as far as was seen: while the whole
   * process is stopped no loop hangs. For one observer, a few times per bound.
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

  /** What the pass under way is about, in words. */
  String description() {
    Object what = doing.get();
    String words =
        what instanceof OutboxRow row
            ? "publishing " + row.place() + " to " + row.destination()
            : what.toString();
    return "the " + name + " loop" + (words.isEmpty() ? "" : ", " + words);
  }
}
