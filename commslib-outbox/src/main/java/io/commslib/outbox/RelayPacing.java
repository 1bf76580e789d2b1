package io.commslib.outbox;

import java.time.Duration;

/**
 * Decides when to fetch. At low rates every message is fetched immediately. Above {@link
 * #BUSY_ROWS_PER_SECOND} a fetch that found few rows delays the next one, so that it finds more.
 * Confined to the relay's thread.
 */
final class RelayPacing {

  // Tuning. Longer waits mean fewer and larger statements, and more latency for each message.

  /** The rate from which the relay is busy: then it batches reads and deletions. */
  private static final int BUSY_ROWS_PER_SECOND = 2_000;

  /** The interval over which the rate is measured. */
  private static final long RATE_INTERVAL_NANOS = Duration.ofMillis(50).toNanos();

  /** A fetch that found fewer rows than this is small. */
  private static final int SMALL_FETCH_ROWS = 64;

  /** The wait after a small fetch of a busy relay. */
  private static final long LINGER_NANOS = Duration.ofMillis(6).toNanos();

  /** The wait for more capacity; then a fetch is worth its cost even for a few rows. */
  static final long CAPACITY_WAIT_NANOS = Duration.ofMillis(5).toNanos();

  /** Capacity for this part of a batch is worth a fetch without waiting. */
  private static final int WORTHWHILE_PART_OF_BATCH = 4;

  /**
   * With many rows in memory a fetch need not hurry: it waits for this part of them, or a batch.
   */
  private static final int WORTHWHILE_PART_OF_MEMORY = 8;

  /** A destination that is crowded for so long may keep rows of others waiting in the table. */
  private static final long CROWDED_NANOS = Duration.ofMillis(500).toNanos();

  /** A fetch past rows of a saturated destination reads them all: at most this part of the time. */
  private static final int PAST_SATURATED_PART_OF_TIME = 10;

  private final int batchSize;
  private long intervalStart;
  private long rowsInInterval;
  private boolean busy;
  private boolean lastFetchSmall;
  private long lastFetch;
  private long nextPastSaturated;
  private boolean fetchedPastSaturated;
  private boolean crowded;
  private long crowdedSince;

  RelayPacing(int batchSize) {
    this.batchSize = batchSize;
  }

  /**
   * Whether there is enough capacity for a fetch.
   *
   * @param inMemory the number of rows in memory
   */
  boolean isEnoughCapacity(int capacity, int inMemory) {
    return capacity > 0
        && capacity >= batchSize / WORTHWHILE_PART_OF_BATCH
        && capacity >= Math.min(batchSize, inMemory / WORTHWHILE_PART_OF_MEMORY);
  }

  /** Whether there is enough capacity for a fetch, or some and the last fetch is long ago. */
  boolean isWorthFetching(int capacity, int inMemory, long nowNanos) {
    return isEnoughCapacity(capacity, inMemory)
        || (capacity > 0 && nowNanos - lastFetch >= CAPACITY_WAIT_NANOS);
  }

  /** Whether the relay's thread has so much in memory that another thread should fetch. */
  boolean hasPlentyInMemory(int inMemory) {
    return inMemory >= batchSize;
  }

  /**
   * Whether to fetch rows of other destinations although the usual fetch has capacity: one
   * destination has its share of the memory, or almost has it for a long time already.
   *
   * @param saturated whether one has its share
   * @param nearly whether one almost has it
   */
  boolean shouldFetchPastCrowded(boolean saturated, boolean nearly, long nowNanos) {
    if (!nearly) {
      crowded = false;
    } else if (!crowded) {
      crowded = true;
      crowdedSince = nowNanos;
    }
    boolean due = saturated || (crowded && nowNanos - crowdedSince >= CROWDED_NANOS);
    return due && mayFetchPastSaturated(nowNanos);
  }

  /** Whether to fetch rows of other destinations while one has its share in memory. */
  boolean mayFetchPastSaturated(long nowNanos) {
    return !fetchedPastSaturated || nowNanos - nextPastSaturated >= 0;
  }

  /** Such a fetch has ended. */
  void fetchedPastSaturated(long startNanos, long endNanos) {
    fetchedPastSaturated = true;
    long pause = PAST_SATURATED_PART_OF_TIME * (endNanos - startNanos);
    nextPastSaturated = endNanos + Math.max(CAPACITY_WAIT_NANOS, pause);
  }

  /** A fetch has added rows to the window. */
  void fetched(int rows, int limit, long nowNanos) {
    lastFetch = nowNanos;
    lastFetchSmall = rows < Math.min(SMALL_FETCH_ROWS, limit);
    rowsInInterval += rows;
    long elapsed = nowNanos - intervalStart;
    if (elapsed >= RATE_INTERVAL_NANOS) {
      busy = rowsInInterval * 1_000_000_000L / elapsed >= BUSY_ROWS_PER_SECOND;
      intervalStart = nowNanos;
      rowsInInterval = 0;
    }
  }

  /** Whether messages arrive so fast that waiting a few milliseconds saves many statements. */
  boolean isBusy() {
    return busy;
  }

  /** The time for which rows should gather before the next fetch; 0 or less for none. */
  long lingerNanos(long nowNanos) {
    return busy && lastFetchSmall ? LINGER_NANOS - (nowNanos - lastFetch) : 0;
  }
}
