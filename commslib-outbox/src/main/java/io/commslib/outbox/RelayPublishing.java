package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.time.TimeSource;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The publishing half of {@link RelayLoop}: publishes rows of shards that this relay owns, takes
 * the results from the transport and decides about failures. The design is described at {@link
 * RelayLoop}. Confined to the relay's thread except {@link #state}.
 */
final class RelayPublishing implements RelayReader.Sink {

  private final TimeSource time;
  private final ShardLeases leases;
  private final RelayReader reader;
  private final RelayWindow window;
  private final RowPublisher publisher;
  private final RowDeleter deleter;
  private final RowFailures failures;
  private final RelayPause pause;
  private final DestinationWaits destinations;
  private final RelayTimeSlice slice;
  private final RelayLoopProgress progress;
  private ShardOwnership ownership;
  private long nextAttempt;
  private volatile RelayState state = RelayState.IDLE;

  RelayPublishing(
      TimeSource time,
      ShardLeases leases,
      RelayReader reader,
      RelayWindow window,
      RowPublisher publisher,
      RowDeleter deleter,
      RowFailures failures,
      RelayPause pause,
      DestinationWaits destinations,
      RelayTimeSlice slice,
      RelayLoopProgress progress) {
    this.time = time;
    this.leases = leases;
    this.reader = reader;
    this.window = window;
    this.publisher = publisher;
    this.deleter = deleter;
    this.failures = failures;
    this.pause = pause;
    this.destinations = destinations;
    this.slice = slice;
    this.progress = progress;
    this.ownership = leases.current();
    this.nextAttempt = now();
  }

  /** The ownership as of the last {@link #adoptOwnership}. */
  ShardOwnership ownership() {
    return ownership;
  }

  /**
   * Adopts the current ownership. Rows of lost shards that are not with the transport leave the
   * window; new shards are read from the start.
   */
  void adoptOwnership() {
    ShardOwnership before = ownership;
    ownership = leases.current();
    if (!ownership.leaving().isEmpty() && !ownership.leaving().equals(before.leaving())) {
      // A leaving shard waits for its rows with the transport, not for those queued behind them.
      window.dropWaiting(row -> ownership.leaving().contains(row.shard()));
      reader.rescan();
    }
    if (before.epochs().equals(ownership.epochs())) {
      return;
    }
    window.dropWaiting(row -> !isSameEpoch(before, row.shard()));
    reader.ownershipChanged();
  }

  private boolean isSameEpoch(ShardOwnership before, int shard) {
    Long epoch = before.epochs().get(shard);
    return epoch != null && ownership.owns(shard, epoch);
  }

  /** Reports the leaving shards of which nothing is in memory, so that they can be released. */
  void reportDrained() {
    leases.reportDrained(ownership, finishedLeaving());
  }

  private Set<Integer> finishedLeaving() {
    if (ownership.leaving().isEmpty()) {
      return Set.of();
    }
    Set<Integer> finished = new HashSet<>(ownership.leaving());
    finished.removeAll(window.shards());
    return finished;
  }

  /** The calling thread is the relay's. */
  void begin() {
    publisher.begin();
  }

  @Override
  public void publish(OutboxRow row) {
    Long epoch = ownership.epochs().get(row.shard());
    ShardOwnership current = leases.current();
    long now = now();
    slice.publishing(now);
    boolean mayPublish =
        epoch != null
            && current.owns(row.shard(), epoch)
            && current.isSafe(now)
            && publisher.jvmFailure() == null;
    if (!mayPublish || !publisher.publishUnlessFailed(row, window.generation())) {
      window.withdraw(row);
      reader.rescan();
    }
  }

  /** Takes results from the transport, until there are none or the time slice is over. */
  void settle() {
    slice.begin(now());
    while (!slice.isOver()) {
      RowPublication ended = publisher.poll();
      if (ended == null) {
        return;
      }
      settle(ended);
    }
  }

  private void settle(RowPublication ended) {
    OutboxRow row = ended.row();
    Throwable failure = ended.failure();
    RelayWindow.Step step;
    if (failure == null) {
      pause.succeeded();
      destinations.reached(row.destination());
      deleter.add(row);
      if (ended.generation() != window.generation()) {
        return;
      }
      step = window.confirmed(row);
    } else {
      ended.failureSeen();
      reader.rescan();
      if (ended.generation() != window.generation()) {
        return;
      }
      step = window.failed(row, failure);
    }
    if (step.next() != null) {
      publish(step.next());
    }
    if (step.failure() != null) {
      decide(step.failure().row(), step.failure().cause());
    }
  }

  /**
   * Decides what a failed publish means. An unavailable or busy destination, and a cancelled or
   * unknown publish, say nothing about the row: the destination pauses, and no attempt is counted.
   */
  private void decide(OutboxRow row, Throwable failure) {
    if (Failures.isJvmFailure(failure)) {
      // The pause that follows counts the attempt.
      return;
    }
    FailureKind kind =
        Failures.known(failure).map(CommsException::kind).orElse(FailureKind.PERMANENT);
    if (kind == FailureKind.PERMANENT) {
      countFailure(row, failure);
      return;
    }
    destinations.unreachable(row.destination(), Failures.unwrapped(failure));
    window.dropWaiting(other -> other.destination().equals(row.destination()));
    report("");
  }

  /** Counts a failed attempt of a row, and parks the row if it was the last one. */
  void countFailure(OutboxRow row, Throwable failure) {
    progress.doing("counting a failed attempt");
    // Before the result is known: if it stays unknown, the next fetch checks.
    reader.expectRetries();
    RowFailures.Decision decision = failures.decide(row, Failures.unwrapped(failure), ownership);
    if (decision.attempts() > 0) {
      long due = now() + decision.delay().toNanos();
      nextAttempt = nextAttempt - now() > 0 ? Math.min(nextAttempt, due) : due;
    }
    if (decision.parked()) {
      destinations.reportStops();
      window.dropWaiting(other -> destinations.isStopped(other.destination()));
    }
  }

  /** Takes all results; what was confirmed need not be published again by the next owner. */
  void keepConfirmed() {
    for (RowPublication ended = publisher.poll(); ended != null; ended = publisher.poll()) {
      if (ended.failure() == null) {
        deleter.add(ended.row());
      }
    }
  }

  /** Forgets all rows in memory, which an error of the JVM may have left in any state. */
  void reset() {
    publisher.reset();
    window.reset();
  }

  /** The first publication that ended with an error of the JVM since {@link #reset}, or null. */
  @Nullable RowPublication broken() {
    return publisher.jvmFailure();
  }

  /** Whether results of the transport wait for {@link #settle}. */
  boolean hasResults() {
    return !publisher.isEmpty();
  }

  /** Whether nothing is in memory and every destination was reached when last tried. */
  boolean isIdle() {
    return window.size() == 0 && destinations.areAllReached();
  }

  /** The time until a row or a destination is due for its next attempt, at most {@code atMost}. */
  long nanosToNextAttempt(long atMost) {
    long wait = destinations.nanosToNext(atMost);
    long attempt = nextAttempt - now();
    return attempt > 0 ? Math.min(wait, attempt) : wait;
  }

  /** Publishes the state for health checks. */
  void report(String failure) {
    state = new RelayState(window.size(), destinations.unreached(), failure);
  }

  /** The last reported state. Any thread. */
  RelayState state() {
    return state;
  }

  private long now() {
    return time.nanoTime();
  }
}
