package io.commslib.core.engine;

import io.commslib.core.messaging.BatchBounds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All unsettled records of an engine: by age, by key, and those that want a worker. What allocates
 * comes first in each operation, so that one that fails for want of memory changes nothing. Of each
 * key one at a time is ready, active or waiting; records without key stand alone. Guarded by the
 * engine's lock; every operation takes constant time, except taking a record out of the midst of
 * its key.
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

  /** Records in lanes whose head is ready, that is what a batch could take. */
  private int readySize;

  private long readyBytes;

  Lanes(IntakeBounds intake, boolean keyed) {
    this.intake = intake;
    this.keyed = keyed;
  }

  /** Takes a record in as the youngest, and the last of its key. */
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

  /** The record wants a worker, before or after all others that do. */
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

  /** The record, which is ready, is the next that a worker takes. */
  void moveToFront(LaneEntry entry) {
    removeFromReady(entry);
    makeReady(entry, true);
  }

  boolean hasReady() {
    return firstReady != null;
  }

  /** Takes out what has wanted a worker longest, for a worker; null if there is none. */
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
   * Takes out records for a batch: what has wanted a worker longest, and of its key and further
   * ones what stands at the head. One that must stay single comes alone.
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

  /** Gives back to their keys what {@link #takeBatch} took, youngest first. */
  void returnToLane(LaneEntry entry) {
    Lane lane = entry.lane;
    if (lane == null || lane.head == entry) {
      makeReady(entry, true);
    } else {
      removeFromActive(entry);
      entry.state = LaneEntry.State.QUEUED;
    }
  }

  /** What has wanted a worker longest; null if there is none. */
  @Nullable LaneEntry firstReady() {
    return firstReady;
  }

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

  /** Those in a handler or on their way to the dead letters. Not a copy. */
  List<LaneEntry> active() {
    return active;
  }

  /** The record and those behind it wait. */
  void startWaiting(LaneEntry entry) {
    removeFromActive(entry);
    entry.state = LaneEntry.State.WAITING;
    intake.waiting(sizeOf(entry));
  }

  /** Ends {@link #startWaiting}; false if that had ended already. */
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
   * Takes a record out. If it was the first of its key, the next one becomes ready.
   *
   * @param nextFirst whether the next one of the key shall go before others that are ready
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

  /** Keys that have records, and records without key. */
  int laneCount() {
    return byKey.size() + withoutKey;
  }
}
