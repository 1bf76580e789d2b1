package io.commslib.core.engine;

/**
 * Counts the records in flight against their bounds, with hysteresis. Confined to {@link
 * EngineState}'s lock.
 */
final class IntakeBounds {

  private final int maxCount;
  private final long maxBytes;
  private int count;
  private long bytes;
  private int waiting;
  private boolean open = true;

  IntakeBounds(int maxCount, long maxBytes) {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
  }

  void added(int size) {
    count++;
    bytes += size;
  }

  void removed(int size) {
    count--;
    bytes -= size;
  }

  void waiting(int change) {
    waiting += change;
  }

  int waitingCount() {
    return waiting;
  }

  boolean isOpen() {
    return open;
  }

  /** Opens or closes the intake by the bounds; true if that changed. */
  boolean update() {
    boolean before = open;
    if (open) {
      open = count < maxCount && bytes < maxBytes && waiting * 2L < Math.max(2, maxCount);
    } else {
      // Opens again below 70 %, so that the intake does not flutter at the bound.
      open =
          count * 10L < maxCount * 7L
              && bytes < maxBytes / 10 * 7
              && waiting * 20L < Math.max(2, maxCount) * 7L;
    }
    return open != before;
  }
}
