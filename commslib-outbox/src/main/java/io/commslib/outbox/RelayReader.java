package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The reading half of {@link RelayLoop}: decides when to fetch, from which shards and how much, and
 * fills the window with what was found. Each row that may be published immediately goes to a {@link
 * Sink}. The design is described at {@link RelayLoop}. Confined to the relay's thread.
 */
final class RelayReader {

  /** Publishes a row that is in the window; withdraws it from the window if it can't. */
  interface Sink {
    void publish(OutboxRow row);
  }

  private static final Duration RETRY_CHECK_INTERVAL = Duration.ofSeconds(2);

  private final TimeSource time;
  private final WakeSignal signal;
  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final RelayFetcher fetcher;
  private final RelayFetchBudget budget;
  private final RelayPacing pacing;
  private final RelayWindow window;
  private final RelayLimits limits;
  private final DestinationWaits destinations;
  private final RelayTimeSlice slice;
  private final RelayLoopProgress progress;

  /** Whether messages may be waiting for their next attempt. */
  private boolean retriesMayExist = true;

  private long lastRetryCheck;
  private long pastCrowdedSince;
  private int lastShard;

  /** Whether the next pass should fetch even if nothing wakes the relay. */
  private boolean moreMayExist = true;

  RelayReader(
      TimeSource time,
      WakeSignal signal,
      OutboxTransactions transactions,
      RowTables tables,
      RelayFetcher fetcher,
      RelayFetchBudget budget,
      OutboxConfig config,
      RelayWindow window,
      RelayLimits limits,
      DestinationWaits destinations,
      RelayTimeSlice slice,
      RelayLoopProgress progress) {
    this.time = time;
    this.signal = signal;
    this.transactions = transactions;
    this.tables = tables;
    this.fetcher = fetcher;
    this.budget = budget;
    this.pacing = new RelayPacing(config.batchSize());
    this.window = window;
    this.limits = limits;
    this.destinations = destinations;
    this.slice = slice;
    this.progress = progress;
    this.lastRetryCheck = time.nanoTime();
  }

  /**
   * Fetches rows if there may be any and fills the window.
   *
   * @param draining whether to fetch even if nothing indicates that there are rows
   * @return the number of rows that were added to the window
   */
  int read(ShardOwnership ownership, boolean draining, Sink sink) {
    progress.doing("fetching rows");
    if (fetcher.isAhead()) {
      boolean isPastCrowded = fetcher.isAheadPastOthers();
      RelayFetcher.Found found = fetcher.takeReadAhead(retriesMayExist, excluded(List.of()));
      if (found == null) {
        moreMayExist = true;
        return 0;
      }
      if (isPastCrowded) {
        pacing.fetchedPastSaturated(pastCrowdedSince, now());
      }
      // A commit during the read-ahead may have been too late for it.
      moreMayExist = isPastCrowded || found.full() || signal.takeRaised();
      if (!found.rows().isEmpty()) {
        return accept(found, ownership, draining, sink);
      }
    }
    boolean raised = signal.takeRaised();
    if (!raised && !moreMayExist && !draining) {
      return 0;
    }
    Set<Integer> shards = ownership.readable(now());
    if (!draining && mayFetchBeside(shards)) {
      fetchBeside(shards);
      moreMayExist = true;
      return 0;
    }
    List<String> saturated = limits.saturated();
    Set<String> excluded = excluded(saturated);
    int capacity = limits.capacity(excluded.isEmpty(), List.of());
    // A change of ownership wakes the relay; capacity frees up as confirms arrive.
    moreMayExist = !shards.isEmpty();
    if (shards.isEmpty() || !pacing.isWorthFetching(capacity, window.size(), now())) {
      return 0;
    }
    if (!saturated.isEmpty() && !pacing.mayFetchPastSaturated(now())) {
      return 0;
    }
    moreMayExist = !saturated.isEmpty();
    List<Integer> order = inTurn(shards);
    long start = now();
    if (checkRetriesIfDue()) {
      // The check also reads which destinations are stopped.
      excluded = excluded(saturated);
    }
    int limit = budget.maxRows(limits.fetchLimit(capacity, List.of()));
    RelayFetcher.Found found = fetcher.fetch(order, excluded, retriesMayExist, window, limit);
    if (!saturated.isEmpty()) {
      pacing.fetchedPastSaturated(start, now());
    }
    return accept(found, ownership, draining, sink);
  }

  /** Whether this thread has enough to do, so that another one should fetch. */
  private boolean mayFetchBeside(Set<Integer> shards) {
    return fetcher.canReadAhead()
        && !shards.isEmpty()
        && pacing.hasPlentyInMemory(window.size())
        && hasNoExclusions();
  }

  /**
   * Begins a fetch on the other thread if one is worth it: of any rows, or of the rows of other
   * destinations where one has taken much of the memory. The latter reads past all rows of that
   * one, which takes long.
   */
  private void fetchBeside(Set<Integer> shards) {
    List<String> nearly = limits.nearlySaturated();
    boolean isSaturated = !limits.saturated().isEmpty();
    int capacity = limits.capacity(false, List.of());
    if (pacing.shouldFetchPastCrowded(isSaturated, !nearly.isEmpty(), now()) && capacity > 0) {
      checkRetriesIfDue();
      if (hasNoExclusions()) {
        pastCrowdedSince = now();
        int limit = budget.maxRows(limits.fetchLimit(capacity, List.of()));
        fetcher.readAheadExcept(inTurn(shards), new HashSet<>(nearly), window, limit);
      }
      return;
    }
    int usual = limits.capacity(true, List.of());
    if (!isSaturated && pacing.isWorthFetching(usual, window.size(), now())) {
      readAhead(List.of(), shards, usual);
    }
  }

  private int accept(
      RelayFetcher.Found found, ShardOwnership ownership, boolean draining, Sink sink) {
    List<OutboxRow> rows = found.rows();
    budget.succeeded();
    limits.learnSizes(rows);
    if (!rows.isEmpty()) {
      lastShard = rows.get(rows.size() - 1).shard();
    }
    if (found.full() && !draining && fetcher.canReadAhead()) {
      Set<Integer> shards = ownership.readable(now());
      int capacity = limits.capacity(true, rows);
      if (!shards.isEmpty() && pacing.isEnoughCapacity(capacity, window.size() + rows.size())) {
        readAhead(rows, shards, capacity);
      }
    }
    int added = fillWindow(rows, sink);
    moreMayExist |= found.full();
    pacing.fetched(added, found.limit(), now());
    return added;
  }

  /**
   * Begins the next fetch on the other thread: the database reads one batch while the relay
   * publishes another.
   *
   * @param rows will be in the window soon; they are left out as if they were there already
   */
  private void readAhead(List<OutboxRow> rows, Set<Integer> shards, int capacity) {
    if (retriesMayExist) {
      return;
    }
    checkRetriesIfDue();
    if (hasNoExclusions()) {
      fetcher.readAhead(
          inTurn(shards), window, rows, budget.maxRows(limits.fetchLimit(capacity, rows)));
    }
  }

  /** Whether a fetch leaves out only what is in memory. */
  private boolean hasNoExclusions() {
    return !retriesMayExist && excluded(List.of()).isEmpty();
  }

  private Set<String> excluded(List<String> saturated) {
    Set<String> names = destinations.names();
    names.addAll(saturated);
    return names;
  }

  /** Begins after the shard of the last row read, so that a busy shard does not starve others. */
  private List<Integer> inTurn(Set<Integer> shards) {
    List<Integer> order = new ArrayList<>(new TreeSet<>(shards));
    long passed = order.stream().filter(shard -> shard <= lastShard).count();
    Collections.rotate(order, (int) -passed);
    return order;
  }

  /** Adds rows to the window as far as the limits allow; returns the number added. */
  private int fillWindow(List<OutboxRow> rows, Sink sink) {
    int before = window.size();
    slice.begin(now());
    Set<String> skippedLanes = new HashSet<>();
    Map<Long, OutboxRow> bodies = Map.of();
    for (int place = 0; place < rows.size(); place++) {
      OutboxRow row = rows.get(place);
      boolean allowed =
          limits.allows(row)
              && !slice.isOver()
              && (skippedLanes.isEmpty() || !skippedLanes.contains(laneOf(row)));
      if (allowed && !row.hasBody()) {
        if (!bodies.containsKey(row.id())) {
          bodies = fetchBodies(rows, place);
        }
        OutboxRow complete = bodies.get(row.id());
        if (complete == null) {
          // Deleted since it was found.
          continue;
        }
        row = complete;
      }
      if (!allowed || !add(row, sink)) {
        // Later rows of its lane must not overtake it: the lease may be renewed during this loop.
        skippedLanes.add(laneOf(row));
        rescan();
      }
    }
    return window.size() - before;
  }

  /** Adds a row, and publishes it if none of its lane is before it; returns whether it was kept. */
  private boolean add(OutboxRow row, Sink sink) {
    if (window.add(row)) {
      sink.publish(row);
    }
    return window.contains(row);
  }

  /** Fetches the bodies of a row and of a few behind it. */
  private Map<Long, OutboxRow> fetchBodies(List<OutboxRow> rows, int from) {
    List<OutboxRow> without =
        rows.subList(from, rows.size()).stream().filter(row -> !row.hasBody()).toList();
    List<OutboxRow> some = without.subList(0, budget.bodiesPerFetch(without, 0));
    try {
      Map<Long, OutboxRow> bodies = fetcher.fetchBodies(some);
      budget.succeeded();
      return bodies;
    } catch (Throwable e) {
      // The rows that were found and are not in the window must be found again.
      fetcher.rescan();
      throw e;
    }
  }

  /** The row's lane, or a text that is no other row's lane. */
  private static String laneOf(OutboxRow row) {
    String lane = row.lane();
    return lane == null ? Long.toString(row.id()) : lane;
  }

  /** Checks for retries and stopped destinations if that is due; returns whether it did. */
  private boolean checkRetriesIfDue() {
    if (!retriesMayExist && now() - lastRetryCheck <= RETRY_CHECK_INTERVAL.toNanos()) {
      return false;
    }
    retriesMayExist =
        transactions.single(
            "read",
            connection -> {
              destinations.refresh(connection);
              return tables.hasRetries(connection);
            });
    lastRetryCheck = now();
    destinations.reportStops();
    return true;
  }

  /** Updates the cursors' marks and the watermark from time to time; called after each pass. */
  void updateMarks() {
    progress.doing("updating the watermark");
    fetcher.updateMarks(window);
  }

  /** A row that was found is no longer in memory: the next fetch must find it again. */
  void rescan() {
    fetcher.rescan();
    moreMayExist = true;
  }

  /** The previous owner of a new shard may have rows and blocked keys that this relay has not. */
  void ownershipChanged() {
    retriesMayExist = true;
    moreMayExist = true;
    fetcher.fullRescan();
  }

  /** A pass failed: the next fetches are smaller. */
  void passFailed() {
    moreMayExist = true;
    budget.failed();
  }

  /** Forgets all that was learned from the database, which may be another server. */
  void forget() {
    moreMayExist = true;
    fetcher.afterFailure();
  }

  void expectMore() {
    moreMayExist = true;
  }

  boolean moreMayExist() {
    return moreMayExist;
  }

  void expectRetries() {
    retriesMayExist = true;
  }

  boolean retriesMayExist() {
    return retriesMayExist;
  }

  /** Whether a message in one of these shards waits for its next attempt. */
  boolean hasRetriesDue(ShardOwnership ownership) {
    Set<Integer> due =
        retriesMayExist
            ? transactions.run("drain", tables::shardsWithAttemptsDue)
            : Set.<Integer>of();
    return due.stream().anyMatch(ownership::owns);
  }

  /** Whether messages arrive so fast that waiting a few milliseconds saves statements. */
  boolean isBusy() {
    return pacing.isBusy();
  }

  /** The time for which rows should gather before the next fetch; 0 or less for none. */
  long lingerNanos() {
    return pacing.lingerNanos(now());
  }

  private long now() {
    return time.nanoTime();
  }
}
