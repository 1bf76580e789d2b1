package io.commslib.core.inmemory;

import io.commslib.core.messaging.ForeignRecord;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The messages of one key that wait for one group, oldest first. A message without key has a queue
 * of its own. Confined to the group's lock.
 */
final class KeyQueue {

  /** The size is kept, since that of the record changes when a header is first read as text. */
  record Waiting(long number, ForeignRecord wire, int priorDeliveries, int sizeBytes) {}

  final @Nullable String key;
  final ArrayDeque<Waiting> waiting = new ArrayDeque<>(2);

  /** Whether it is among the ready queues, or its first message is with a member or pauses. */
  boolean scheduled;

  KeyQueue(@Nullable String key) {
    this.key = key;
  }
}
