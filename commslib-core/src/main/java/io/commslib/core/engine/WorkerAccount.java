package io.commslib.core.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one worker has taken and how it is counted. Used by its worker and, on that worker's thread,
 * by {@link EngineState}.
 */
final class WorkerAccount {

  /** The record it handles, for a worker that takes one at a time. */
  @Nullable LaneEntry entry;

  /** The outcome of {@link #entry}, once it is acknowledged and still to be recorded. */
  @Nullable AttemptOutcome outcome;

  /** The records it handles, for a worker that takes batches. */
  List<LaneEntry> batch = List.of();

  /** Whether it is counted as starting: until it asks for its first record. */
  boolean starting = true;

  /** Whether it is counted as running. */
  boolean running = true;

  /** The records that it has taken, some of which may be settled. */
  List<LaneEntry> taken() {
    LaneEntry one = entry;
    return one == null ? batch : List.of(one);
  }
}
