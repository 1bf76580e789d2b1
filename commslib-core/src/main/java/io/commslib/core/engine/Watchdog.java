package io.commslib.core.engine;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks the records that workers have a few times per deadline, instead of setting a timer for
 * each: ends handlers past their deadline, and names what has not returned for as long, be it the
 * handler, the commit, the inbox or the settlement.
 */
final class Watchdog {

  /** A record that a worker has had for too long; over once the worker has done with it. */
  private record Stuck(LaneEntry entry, int activation, String text) {
    boolean isStillStuck() {
      return entry.activation == activation && entry.state == LaneEntry.State.ACTIVE;
    }
  }

  /** The phase of a record in one activation, and since when a check has found it there. */
  private record Observation(LaneEntry.Phase phase, int activation, long sinceNanos) {}

  private final CommsRuntime runtime;
  private final long deadlineNanos;
  private final Duration interval;
  private final Supplier<List<LaneEntry>> active;
  private final Consumer<Execution> onOverrun;
  private final Consumer<String> onStuck;
  private final Runnable onStillStuck;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private volatile List<Stuck> stuck = List.of();

  /** Of the last check. Not in the records: those are many, and workers have few of them. */
  private volatile Map<LaneEntry, Observation> observed = Map.of();

  Watchdog(
      CommsRuntime runtime,
      Duration deadline,
      Supplier<List<LaneEntry>> active,
      Consumer<Execution> onOverrun,
      Consumer<String> onStuck,
      Runnable whileStuck) {
    this.runtime = runtime;
    this.deadlineNanos = deadline.toNanos();
    long nanos =
        Math.min(
            Duration.ofMillis(500).toNanos(),
            Math.max(Duration.ofMillis(2).toNanos(), deadlineNanos / 10));
    this.interval = Duration.ofNanos(nanos);
    this.active = active;
    this.onOverrun = onOverrun;
    this.onStuck = onStuck;
    this.onStillStuck = whileStuck;
  }

  /** A worker takes a record. */
  void scheduleCheck() {
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      try {
        runtime.scheduler().schedule(interval, this::check);
      } catch (RuntimeException | Error e) {
        scheduled.set(false);
        throw e;
      }
    }
  }

  /** The number of records whose worker has not come back. */
  int stuckHandlers() {
    List<Stuck> now = stuck;
    return now.isEmpty() ? 0 : (int) now.stream().filter(Stuck::isStillStuck).count();
  }

  /** Whether the worker of a record has not come back. */
  boolean isStuck(LaneEntry entry) {
    return stuck.stream().anyMatch(one -> one.entry() == entry && one.isStillStuck());
  }

  /** What the first of them waits for; empty if there is none. */
  String firstStuck() {
    return stuck.stream().filter(Stuck::isStillStuck).map(Stuck::text).findFirst().orElse("");
  }

  private void check() {
    long now = runtime.time().nanoTime();
    // First: a worker that starts now either is seen, or sets the next check itself.
    scheduled.set(false);
    List<LaneEntry> entries = active.get();
    List<Stuck> found = new ArrayList<>();
    Map<LaneEntry, Observation> last = observed;
    Map<LaneEntry, Observation> next = new IdentityHashMap<>();
    for (LaneEntry entry : entries) {
      Execution execution = entry.execution;
      if (execution != null && execution.overrunAt(now)) {
        onOverrun.accept(execution);
      }
      Observation here = observed(entry, last.get(entry), now);
      next.put(entry, here);
      if (now - here.sinceNanos() >= deadlineNanos
          || (execution != null && execution.isOverrun())) {
        String text = here.phase().text + " has not returned for " + entry.id();
        found.add(new Stuck(entry, here.activation(), text));
      }
    }
    observed = next;
    List<Stuck> before = stuck;
    stuck = List.copyOf(found);
    if (before.isEmpty() && !found.isEmpty()) {
      onStuck.accept(found.get(0).text());
    }
    if (!found.isEmpty()) {
      onStillStuck.run();
    }
    if (!entries.isEmpty()) {
      scheduleCheck();
    }
  }

  private static Observation observed(LaneEntry entry, @Nullable Observation before, long now) {
    LaneEntry.Phase phase = entry.phase();
    int activation = entry.activation;
    boolean same = before != null && before.phase() == phase && before.activation() == activation;
    return same ? before : new Observation(phase, activation, now);
  }
}
