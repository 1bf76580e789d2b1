package io.commslib.core.engine;

import io.commslib.core.messaging.BatchBounds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All unsettled records of an engine: by age, by key, and those that are ready for a worker. Of
 * each key one record at a time is ready, active or waiting. Records without key are independent of
 * each other. Allocations come first in each operation, so that an operation that fails for lack of
 * memory changes nothing. Every operation takes constant time, except removing a record from the
 * middle of its lane. Confined to {@link EngineState}'s lock.
 */
final class Lanes {

  private final Map<String, Lane> byKey = new HashMap<>();
  private final IntakeBounds intake;
  private final boolean keyed;
  private final ArrayList<LaneEntry> active = new ArrayList<>();
  private @Nullable LaneEntry oldest;
  private @Nullable LaneEntry youngest;
  private @Nullable LaneEntry firstReady;
  private @Nullable LaneEntry lastReady;
  private int size;
  private int withoutKey;

  /** Records that a batch could take: those in lanes whose head is ready. */
  private int readySize;

  private long readyBytes;

  Lanes(IntakeBounds intake, boolean keyed) {
    this.intake = intake;
    this.keyed = keyed;
  }

  /** Adds a record as the youngest, and as the last of its key. */
  void add(RawDelivery delivery, long nowNanos) {
    String key = keyed ? delivery.laneKey().orElse(null) : null;
    Lane lane = key == null ? null : lane(key);
    LaneEntry entry = new LaneEntry(delivery, lane, nowNanos);
    entry.older = youngest;
    if (youngest == null) {
      oldest = entry;
    } else {
      youngest.younger = entry;
    }
    youngest = entry;
    size++;
    intake.added(delivery.sizeBytes());
    if (lane == null) {
      withoutKey++;
      makeReady(entry, false);
    } else {
      append(lane, entry);
    }
  }

  private Lane lane(String key) {
    Lane lane = byKey.get(key);
    if (lane == null) {
      lane = new Lane(key);
      byKey.put(key, lane);
    }
    return lane;
  }

  private void append(Lane lane, LaneEntry entry) {
    lane.size++;
    lane.bytes += entry.raw.sizeBytes();
    LaneEntry head = lane.head;
    LaneEntry tail = lane.tail;
    lane.tail = entry;
    if (head == null || tail == null) {
      lane.head = entry;
      makeReady(entry, false);
    } else {
      tail.nextInLane = entry;
      if (head.state == LaneEntry.State.WAITING) {
        intake.waiting(1);
      } else if (head.state == LaneEntry.State.READY) {
        readySize++;
        readyBytes += entry.raw.sizeBytes();
      }
    }
  }

  /** Makes a record ready for a worker, before or after all others that are. */
  void makeReady(LaneEntry entry, boolean first) {
    removeFromActive(entry);
    entry.state = LaneEntry.State.READY;
    readySize += sizeOf(entry);
    readyBytes += bytesOf(entry);
    if (firstReady == null || lastReady == null) {
      firstReady = entry;
      lastReady = entry;
    } else if (first) {
      entry.nextReady = firstReady;
      firstReady.previousReady = entry;
      firstReady = entry;
    } else {
      entry.previousReady = lastReady;
      lastReady.nextReady = entry;
      lastReady = entry;
    }
  }

  private void removeFromReady(LaneEntry entry) {
    readySize -= sizeOf(entry);
    readyBytes -= bytesOf(entry);
    LaneEntry before = entry.previousReady;
    LaneEntry after = entry.nextReady;
    if (before == null) {
      firstReady = after;
    } else {
      before.nextReady = after;
    }
    if (after == null) {
      lastReady = before;
    } else {
      after.previousReady = before;
    }
    entry.previousReady = null;
    entry.nextReady = null;
  }

  /** Makes a ready record the next that a worker takes. */
  void moveToFront(LaneEntry entry) {
    removeFromReady(entry);
    makeReady(entry, true);
  }

  /** Gives the first ready record to a worker; null if there is none. */
  @Nullable LaneEntry takeReady() {
    LaneEntry entry = firstReady;
    if (entry != null) {
      active.ensureCapacity(active.size() + 1);
      removeFromReady(entry);
      activate(entry);
    }
    return entry;
  }

  private void activate(LaneEntry entry) {
    entry.state = LaneEntry.State.ACTIVE;
    entry.activation++;
    entry.enter(LaneEntry.Phase.READING);
    entry.activeIndex = active.size();
    active.add(entry);
  }

  /**
   * Gives a worker a batch: the first ready record, those queued behind it, and then the same of
   * further keys. A record that must run alone comes alone.
   */
  List<LaneEntry> takeBatch(int maxItems, long maxBytes) {
    int most = Math.min(maxItems, size);
    List<LaneEntry> batch = new ArrayList<>(most);
    active.ensureCapacity(active.size() + most);
    long bytes = 0;
    LaneEntry head = firstReady;
    while (head != null && batch.size() < maxItems && bytes < maxBytes) {
      LaneEntry nextHead = head.nextReady;
      if (head.mustRunAlone) {
        if (batch.isEmpty()) {
          removeFromReady(head);
          activate(head);
          batch.add(head);
          return batch;
        }
      } else {
        removeFromReady(head);
        LaneEntry next = head;
        while (next != null && !next.mustRunAlone && batch.size() < maxItems && bytes < maxBytes) {
          activate(next);
          batch.add(next);
          bytes += next.raw.sizeBytes();
          next = next.nextInLane;
        }
      }
      head = nextHead;
    }
    return batch;
  }

  /** Returns a record that {@link #takeBatch} took to its lane. Called youngest first. */
  void returnToLane(LaneEntry entry) {
    Lane lane = entry.lane;
    if (lane == null || lane.head == entry) {
      makeReady(entry, true);
    } else {
      removeFromActive(entry);
      entry.state = LaneEntry.State.QUEUED;
    }
  }

  /** The next record that a worker takes; null if there is none. */
  @Nullable LaneEntry firstReady() {
    return firstReady;
  }

  /** Whether the records that a batch could take fill it. */
  boolean fillsBatch(BatchBounds bounds) {
    return readySize >= bounds.maxItems() || readyBytes >= bounds.maxBytes();
  }

  private void removeFromActive(LaneEntry entry) {
    if (entry.state == LaneEntry.State.ACTIVE) {
      LaneEntry last = active.remove(active.size() - 1);
      if (last != entry) {
        active.set(entry.activeIndex, last);
        last.activeIndex = entry.activeIndex;
      }
    }
  }

  /** The records that workers have. Not a copy. */
  List<LaneEntry> active() {
    return active;
  }

  /** The record and those behind it wait. */
  void startWaiting(LaneEntry entry) {
    removeFromActive(entry);
    entry.state = LaneEntry.State.WAITING;
    intake.waiting(sizeOf(entry));
  }

  /** Makes a waiting record ready; false if it does not wait. */
  boolean endWaiting(LaneEntry entry) {
    if (entry.state != LaneEntry.State.WAITING) {
      return false;
    }
    intake.waiting(-sizeOf(entry));
    makeReady(entry, false);
    return true;
  }

  private static long bytesOf(LaneEntry entry) {
    Lane lane = entry.lane;
    return lane == null ? entry.raw.sizeBytes() : lane.bytes;
  }

  private static int sizeOf(LaneEntry entry) {
    Lane lane = entry.lane;
    return lane == null ? 1 : lane.size;
  }

  /**
   * Removes a record. If it was the head of its lane, the next one becomes ready.
   *
   * @param nextFirst whether the next one of the lane precedes others that are ready
   */
  void remove(LaneEntry entry, boolean nextFirst) {
    if (entry.state == LaneEntry.State.READY) {
      removeFromReady(entry);
    }
    removeFromActive(entry);
    Lane lane = entry.lane;
    if (lane == null) {
      withoutKey--;
      if (entry.state == LaneEntry.State.WAITING) {
        intake.waiting(-1);
      }
    } else {
      removeFrom(lane, entry, nextFirst);
    }
    entry.state = LaneEntry.State.GONE;
    LaneEntry before = entry.older;
    LaneEntry after = entry.younger;
    if (before == null) {
      oldest = after;
    } else {
      before.younger = after;
    }
    if (after == null) {
      youngest = before;
    } else {
      after.older = before;
    }
    size--;
    intake.removed(entry.raw.sizeBytes());
  }

  private void removeFrom(Lane lane, LaneEntry entry, boolean nextFirst) {
    if (lane.head == entry) {
      if (entry.state == LaneEntry.State.WAITING) {
        intake.waiting(-lane.size);
      }
      LaneEntry next = entry.nextInLane;
      lane.head = next;
      lane.size--;
      lane.bytes -= entry.raw.sizeBytes();
      if (next == null) {
        byKey.remove(lane.key);
      } else if (next.state == LaneEntry.State.QUEUED) {
        makeReady(next, nextFirst);
      }
      return;
    }
    LaneEntry before = lane.head;
    while (before != null && before.nextInLane != entry) {
      before = before.nextInLane;
    }
    if (before != null) {
      before.nextInLane = entry.nextInLane;
      if (lane.tail == entry) {
        lane.tail = before;
      }
      lane.size--;
      lane.bytes -= entry.raw.sizeBytes();
      LaneEntry head = lane.head;
      if (head != null && head.state == LaneEntry.State.WAITING) {
        intake.waiting(-1);
      } else if (head != null && head.state == LaneEntry.State.READY) {
        readySize--;
        readyBytes -= entry.raw.sizeBytes();
      }
    }
  }

  /** The oldest unsettled record; the others follow by {@link LaneEntry#younger}. */
  @Nullable LaneEntry oldest() {
    return oldest;
  }

  int size() {
    return size;
  }

  /** The number of keys that have records, plus the number of records without key. */
  int laneCount() {
    return byKey.size() + withoutKey;
  }
}
