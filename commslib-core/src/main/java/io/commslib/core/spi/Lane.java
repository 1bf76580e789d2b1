package io.commslib.core.spi;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The unsettled records of one key, in broker order. Guarded by the engine's lock. A record without
 * key has its own.
 */
final class Lane {

  enum State {
    /** Has nothing to do, or its head is being looked after by somebody. */
    IDLE,
    /** Stands in the queue of lanes that want a worker. */
    READY,
    /** Its head is in a handler or on its way to the dead letters. */
    ACTIVE,
    /** Its head waits for a retry. */
    WAITING
  }

  final @Nullable String key;
  final ArrayDeque<LaneEntry> entries = new ArrayDeque<>(2);
  State state = State.IDLE;

  Lane(@Nullable String key) {
    this.key = key;
  }
}
