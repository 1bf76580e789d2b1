package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.codec.CodecException;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.time.CommsRuntime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the relay's thread does: settle what came back, delete what is confirmed, read what may go,
 * publish it, and begin again. Its fields belong to that thread, the volatile ones aside.
 */
final class RelayLoop {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);
  private static final Duration AFTER_FAILURE = Duration.ofMillis(300);
  private static final Duration BETWEEN_RETRY_CHECKS = Duration.ofSeconds(2);
  private static final int MAX_ERROR_CHARS = 1_000;
  private static final String NOT_OURS = "COMMS-OUTBOX-004";

  private record Completion(OutboxRow row, @Nullable Throwable failure) {}

  private final OutboxConfig config;
  private final CommsRuntime runtime;
  private final Publisher publisher;
  private final ShardLeases leases;
  private final WakeSignal signal;
  private final OutboxTransactions transactions;
  private final OutboxTables tables;
  private final RowReader reader;
  private final RelayWindow window;
  private final DestinationPauses pauses;
  private final OutageLog outages = new OutageLog(log, "outbox relay");
  private final Queue<Completion> completions = new ConcurrentLinkedQueue<>();
  private final List<OutboxRow> confirmed = new ArrayList<>();
  private final CountDownLatch drained = new CountDownLatch(1);
  private Ownership own;
  private boolean retries = true;
  private long retriesChecked;
  private long nextAttempt;
  private long promoted;
  private int lastShard;
  private long largestRow = 1;
  private volatile boolean draining;
  private volatile boolean closed;
  private volatile RelayState state = RelayState.IDLE;

  RelayLoop(
      JdbcOutbox outbox,
      Publisher publisher,
      boolean fencesKeys,
      CommsRuntime runtime,
      ShardLeases leases,
      WakeSignal signal) {
    this.config = outbox.config();
    this.runtime = runtime;
    this.publisher = publisher;
    this.leases = leases;
    this.signal = signal;
    this.transactions = new OutboxTransactions(outbox.jdbc());
    this.tables = new OutboxTables(outbox.jdbc());
    this.reader = new RowReader(outbox.jdbc());
    this.window = new RelayWindow(fencesKeys ? Integer.MAX_VALUE : 1);
    this.pauses = new DestinationPauses(runtime, config.backoff());
    this.own = leases.current();
    this.retriesChecked = now();
    this.nextAttempt = now();
    this.promoted = now() - config.pollInterval().toNanos();
  }

  /** Runs until {@link #close}. */
  void run() throws InterruptedException {
    while (!closed) {
      long wait = pass();
      if (wait > 0) {
        signal.await(wait);
      }
    }
  }

  void close() {
    closed = true;
    signal.raise();
  }

  CountDownLatch drain() {
    draining = true;
    signal.raise();
    return drained;
  }

  RelayState state() {
    return state;
  }

  /** One round; returns how long to wait for a signal before the next. */
  private long pass() {
    try {
      adoptOwnership();
      settleCompletions();
      acknowledge();
      promoteDelayed();
      int found = read();
      leases.reportDrained(own, finishedOfLeaving());
      note("");
      outages.succeeded();
      if (found > 0) {
        return 0;
      }
      if (draining && isDrained()) {
        drained.countDown();
      }
      return nextLook();
    } catch (RuntimeException e) {
      outages.failed(e, e instanceof CommsException);
      note(e.toString());
      return AFTER_FAILURE.toNanos();
    }
  }

  /** Forgets what is not with the transport of shards that were lost, and looks closer at new. */
  private void adoptOwnership() {
    Ownership before = own;
    own = leases.current();
    if (before.epochs().equals(own.epochs())) {
      return;
    }
    window.forgetWaiting(row -> !sameEpoch(before, row.shard()));
    // The owner before may have blocked keys that a look without retries would let through.
    retries = true;
  }

  private boolean sameEpoch(Ownership before, int shard) {
    Long epoch = before.epochs().get(shard);
    return epoch != null && own.owns(shard, epoch);
  }

  private Set<Integer> finishedOfLeaving() {
    if (own.leaving().isEmpty()) {
      return Set.of();
    }
    Set<Integer> finished = new HashSet<>(own.leaving());
    finished.removeAll(window.busyShards());
    return finished;
  }

  private int read() {
    int room = Math.min(config.batchSize(), config.maxUnconfirmed() - window.size());
    long roomBytes = config.maxUnconfirmedBytes() - window.bytes();
    Set<Integer> shards = own.readable(now());
    if (room <= 0 || roomBytes <= 0 || shards.isEmpty()) {
      return 0;
    }
    // A power of two, so that there are few different statements.
    int limit = Integer.highestOneBit((int) Math.max(1, Math.min(room, roomBytes / largestRow)));
    List<OutboxRow> rows =
        transactions.run(
            "read",
            connection -> {
              checkRetries(connection);
              return reader.read(
                  connection,
                  new RowReader.Query(inTurn(shards), window.ids(), unwanted(), retries, limit));
            });
    largestRow = Math.max(1, largestRow / 2);
    int before = window.size();
    for (OutboxRow row : rows) {
      largestRow = Math.max(largestRow, row.payload().length);
      if (window.bytes() >= config.maxUnconfirmedBytes()) {
        break;
      }
      lastShard = row.shard();
      if (window.held(row.destination()) < shareOfDestination() && window.add(row)) {
        publish(row);
      }
    }
    return window.size() - before;
  }

  /**
   * A destination may hold as much as is still free, so that one that hangs always leaves room for
   * the others.
   */
  private int shareOfDestination() {
    return Math.max(1, config.maxUnconfirmed() - window.size());
  }

  private Set<String> unwanted() {
    Set<String> names = new TreeSet<>(pauses.paused());
    names.addAll(window.crowded(shareOfDestination()));
    return names;
  }

  /** Begins behind the shard of the last row read, so that a busy shard does not starve others. */
  private List<Integer> inTurn(Set<Integer> shards) {
    List<Integer> order = new ArrayList<>(new TreeSet<>(shards));
    long passed = order.stream().filter(shard -> shard <= lastShard).count();
    Collections.rotate(order, (int) -passed);
    return order;
  }

  private void checkRetries(Connection connection) throws SQLException {
    if (retries || now() - retriesChecked > BETWEEN_RETRY_CHECKS.toNanos()) {
      retries = tables.hasRetries(connection);
      retriesChecked = now();
    }
  }

  private void publish(OutboxRow row) {
    Long epoch = own.epochs().get(row.shard());
    Ownership now = leases.current();
    if (epoch == null || !now.owns(row.shard(), epoch) || !now.isSafe(now())) {
      window.withdraw(row);
      return;
    }
    try {
      publisher
          .publish(row.to(), row.message())
          .whenComplete((receipt, failure) -> complete(row, failure));
    } catch (RuntimeException e) {
      complete(row, e);
    }
  }

  private void complete(OutboxRow row, @Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    completions.add(new Completion(row, cause));
    signal.raise();
  }

  private void settleCompletions() {
    for (Completion done = completions.poll(); done != null; done = completions.poll()) {
      OutboxRow row = done.row();
      RelayWindow.Step step;
      if (done.failure() == null) {
        pauses.succeeded(row.destination());
        confirmed.add(row);
        step = window.confirmed(row);
      } else {
        step = window.failed(row, done.failure());
      }
      if (step.next() != null) {
        publish(step.next());
      }
      if (step.failure() != null) {
        decide(step.failure().row(), step.failure().cause());
      }
    }
  }

  private void decide(OutboxRow row, Throwable failure) {
    boolean known = failure instanceof CommsException;
    if (known && ((CommsException) failure).kind() != FailureKind.PERMANENT) {
      if (pauses.failed(row.destination())) {
        log.warn("destination {} pauses: {}", row.destination(), failure.toString());
      }
      window.forgetWaiting(other -> other.destination().equals(row.destination()));
      note("");
      return;
    }
    String code = known ? ((CommsException) failure).code() : NOT_OURS;
    boolean unreadable = failure instanceof CodecException;
    String error = shorten(failure.toString());
    int attempts =
        transactions.run(
            "count failure", connection -> countFailure(connection, row, code, error, unreadable));
    if (attempts >= config.attempts() || (unreadable && attempts > 0)) {
      log.warn(
          "outbox row {}/{} parked after {} attempts: {}", row.shard(), row.id(), attempts, error);
    }
  }

  /** Returns how many attempts failed, or 0 if the shard is lost: then another decides. */
  private int countFailure(
      Connection connection, OutboxRow row, String code, String error, boolean unreadable)
      throws SQLException {
    if (!leases.fence(connection, own, row.shard())) {
      return 0;
    }
    retries = true;
    Duration wait = config.backoff().next(tables.attempts(connection, row) + 1, runtime.random());
    int attempts = tables.countFailure(connection, row, error, wait.toMillis());
    long due = now() + wait.toNanos();
    nextAttempt = nextAttempt - now() > 0 ? Math.min(nextAttempt, due) : due;
    if (unreadable || attempts >= config.attempts()) {
      tables.park(connection, row, code, config.onParked() == OutboxConfig.OnParked.BLOCK_KEY);
    }
    return attempts;
  }

  private static String shorten(String error) {
    return error.substring(0, Math.min(error.length(), MAX_ERROR_CHARS)).replace('\0', ' ');
  }

  private void acknowledge() {
    if (confirmed.isEmpty()) {
      return;
    }
    List<OutboxRow> rows = List.copyOf(confirmed);
    transactions.run(
        "acknowledge",
        connection -> {
          tables.acknowledge(connection, rows, retries);
          leases.compareEpochs(connection, own);
          return null;
        });
    confirmed.clear();
    window.acknowledged(rows);
  }

  private void promoteDelayed() {
    if (!own.owns(0) || now() - promoted < config.pollInterval().toNanos()) {
      return;
    }
    int moved =
        transactions.run(
            "promote delayed",
            connection ->
                leases.fence(connection, own, 0)
                    ? tables.promoteDelayed(connection, config.batchSize())
                    : 0);
    if (moved < config.batchSize()) {
      promoted = now();
    }
  }

  private boolean isDrained() {
    if (window.size() > 0 || !pauses.isEmpty() || !own.isSafe(now())) {
      return false;
    }
    Set<Integer> due =
        retries ? transactions.run("drain", tables::shardsWithAttemptsDue) : Set.of();
    return due.stream().noneMatch(own::owns);
  }

  private long nextLook() {
    long wait = pauses.nanosToNext(config.pollInterval().toNanos());
    long attempt = nextAttempt - now();
    return attempt > 0 ? Math.min(wait, attempt) : wait;
  }

  private void note(String failure) {
    state = new RelayState(window.size(), pauses.unreached(), failure);
  }

  private long now() {
    return runtime.time().nanoTime();
  }
}
