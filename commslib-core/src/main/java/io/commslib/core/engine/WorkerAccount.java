package io.commslib.core.engine;

import io.commslib.core.call.CallContext;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What one worker has taken and how it is counted. Used by its worker and, on that worker's thread,
 * by {@link EngineState}.
 */
final class WorkerAccount implements Supplier<CallContext> {

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

  /** Makes the context of the handler that runs on a single record, else the empty one. */
  @Override
  public CallContext get() {
    List<LaneEntry> taken = taken();
    Execution execution = taken.size() == 1 ? taken.get(0).execution : null;
    return execution == null ? CallContext.empty() : execution.context();
  }

  /** The records that it has taken, some of which may be settled. */
  List<LaneEntry> taken() {
    LaneEntry one = entry;
    return one == null ? batch : List.of(one);
  }
}
