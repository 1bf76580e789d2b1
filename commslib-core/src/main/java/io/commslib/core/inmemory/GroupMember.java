package io.commslib.core.inmemory;

import io.commslib.core.engine.DeliveryEngine;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One consumer of a group and its unsettled messages. Confined to the group's lock. */
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

  /** Whether it may take a message now. */
  boolean hasCapacity() {
    return !leaving && !paused && engine().isIntakeOpen();
  }
}
