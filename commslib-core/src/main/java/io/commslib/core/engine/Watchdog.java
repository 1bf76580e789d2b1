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
 * Checks the active records several times per deadline, instead of setting a timer for each. Ends
 * handlers past their deadline, and reports a call that has not returned for as long: the handler,
 * the commit, the inbox, the settlement. The check runs on the scheduler's thread. {@link
 * #scheduleCheck} and the questions about stuck records are asked under {@link EngineState}'s lock.
 */
final class Watchdog {

  /** An active record, with the activation in which a worker has it. */
  record ActiveRecord(LaneEntry entry, int activation) {}

  /** A record that a worker has had for too long. */
  private record Stuck(LaneEntry entry, int activation, String text) {
    boolean isStillStuck() {
      return entry.activation == activation && entry.state == LaneEntry.State.ACTIVE;
    }
  }

  /** The phase of a record in one activation, and the time of the first check that found it. */
  private record Observation(LaneEntry.Phase phase, int activation, long sinceNanos) {}

  private final CommsRuntime runtime;
  private final long deadlineNanos;
  private final Duration interval;
  private final Supplier<List<ActiveRecord>> active;
  private final Consumer<Execution> onOverrun;
  private final Consumer<String> onStuck;
  private final Runnable onStillStuck;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private volatile List<Stuck> stuck = List.of();

  /** The observations of the last check. They are not in the records, few of which are active. */
  private volatile Map<LaneEntry, Observation> observed = Map.of();

  Watchdog(
      CommsRuntime runtime,
      Duration deadline,
      Supplier<List<ActiveRecord>> active,
      Consumer<Execution> onOverrun,
      Consumer<String> onStuck,
      Runnable onStillStuck) {
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
    this.onStillStuck = onStillStuck;
  }

  /** Schedules a check unless one is scheduled. Called when a worker takes a record. */
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

  /** The number of records whose worker is stuck. */
  int stuckHandlers() {
    List<Stuck> now = stuck;
    return now.isEmpty() ? 0 : (int) now.stream().filter(Stuck::isStillStuck).count();
  }

  /** Whether the worker of a record is stuck. */
  boolean isStuck(LaneEntry entry) {
    return stuck.stream().anyMatch(one -> one.entry() == entry && one.isStillStuck());
  }

  /** The call that the first stuck worker waits for; empty if there is none. */
  String firstStuck() {
    return stuck.stream().filter(Stuck::isStillStuck).map(Stuck::text).findFirst().orElse("");
  }

  private void check() {
    long now = runtime.time().nanoTime();
    // First: a worker that starts now is either seen below or schedules the next check itself.
    scheduled.set(false);
    List<ActiveRecord> records = active.get();
    List<Stuck> found = new ArrayList<>();
    Map<LaneEntry, Observation> last = observed;
    Map<LaneEntry, Observation> next = new IdentityHashMap<>();
    for (ActiveRecord record : records) {
      LaneEntry entry = record.entry();
      Execution execution = entry.execution;
      if (execution != null && execution.overrunAt(now)) {
        onOverrun.accept(execution);
      }
      Observation here = observe(record, last.get(entry), now);
      next.put(entry, here);
      if (now - here.sinceNanos() >= deadlineNanos
          || (execution != null && execution.isOverrun())) {
        String text = here.phase().text + " has not returned for " + entry.shownId();
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
    if (!records.isEmpty()) {
      scheduleCheck();
    }
  }

  private static Observation observe(ActiveRecord record, @Nullable Observation before, long now) {
    LaneEntry.Phase phase = record.entry().phase();
    int activation = record.activation();
    boolean same = before != null && before.phase() == phase && before.activation() == activation;
    return same ? before : new Observation(phase, activation, now);
  }
}
