package io.commslib.outbox;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Watches the loops of a relay for a thread that has ended and for a pass that does not end.
 * Thread-safe except {@link #observe}, which only the lease loop calls.
 */
final class RelayWatch {

  private record Loop(Thread thread, RelayLoopProgress progress, boolean observed) {
    boolean hasEnded() {
      return thread.getState() == Thread.State.TERMINATED;
    }

    String endedText() {
      return thread.getName() + " has ended";
    }
  }

  private final Duration bound;
  private final OutboxEvents events;
  private final List<Loop> loops = new CopyOnWriteArrayList<>();
  private String reported = "";
  private volatile boolean closing;

  /**
   * Creates a watch over nothing.
   *
   * @param bound the maximum duration of a pass
   */
  RelayWatch(Duration bound, OutboxEvents events) {
    this.bound = bound;
    this.events = events;
  }

  /** Adds a loop without which this relay must not keep its shards. */
  void add(Thread thread, RelayLoopProgress progress) {
    loops.add(new Loop(thread, progress, true));
  }

  /** Adds the loop that calls {@link #observe}. */
  void addObserver(Thread thread, RelayLoopProgress progress) {
    loops.add(new Loop(thread, progress, false));
  }

  /** From now on the end of a loop is expected. */
  void close() {
    closing = true;
  }

  /** Checks all loops; returns why this relay must not keep its shards, or an empty text. */
  String observe() {
    String found = "";
    for (Loop loop : loops) {
      if (!loop.observed()) {
        continue;
      }
      boolean late = loop.progress().observe().compareTo(bound) > 0;
      if (found.isEmpty() && loop.hasEnded()) {
        found = loop.endedText();
      } else if (found.isEmpty() && late) {
        found = loop.progress().description() + ", has not returned for more than " + bound;
      }
    }
    // Read after the check: closing is set before it ends a loop.
    if (closing) {
      return reported;
    }
    if (!found.isEmpty() && reported.isEmpty()) {
      events.stalled(found + "; the shards are given back");
    } else if (found.isEmpty() && !reported.isEmpty()) {
      events.component(false, "every loop continues", null);
    }
    reported = found;
    return found;
  }

  /** The loop that has ended or hangs now, in words; empty if there is none. */
  String trouble() {
    for (Loop loop : loops) {
      if (loop.hasEnded()) {
        return loop.endedText();
      }
      Duration busy = loop.progress().busyFor();
      if (busy.compareTo(bound) > 0) {
        return loop.progress().description()
            + ", has not returned for "
            + Duration.ofSeconds(busy.toSeconds());
      }
    }
    return "";
  }

  /** The time since the last pass of each loop ended, by the loop's name. */
  Map<String, Duration> sinceLastPass() {
    Map<String, Duration> ages = new TreeMap<>();
    loops.forEach(loop -> ages.put(loop.progress().name(), loop.progress().sinceLastPass()));
    return ages;
  }

  void describe(Map<String, String> details) {
    sinceLastPass()
        .forEach((name, age) -> details.put(name + "PassAgeMillis", Long.toString(age.toMillis())));
  }
}
