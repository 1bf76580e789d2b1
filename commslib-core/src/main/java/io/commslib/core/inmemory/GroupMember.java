package io.commslib.core.inmemory;

import io.commslib.core.engine.DeliveryEngine;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One consumer of a group and what it holds unsettled. Guarded by the group's lock. */
final class GroupMember {

  final TreeMap<Long, StoredMessage> unsettled = new TreeMap<>();
  boolean leaving;
  boolean closed;
  boolean paused;
  private @Nullable DeliveryEngine engine;

  void attach(DeliveryEngine newEngine) {
    this.engine = newEngine;
  }

  DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  boolean hasCapacity() {
    return !leaving && !paused && engine().isIntakeOpen();
  }
}
