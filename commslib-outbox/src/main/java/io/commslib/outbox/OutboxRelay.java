package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.LifecycleComponent;
import io.commslib.core.codec.CodecException;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes what the outbox holds and deletes it once confirmed. Any number of relays may run on
 * the same tables, in one process or many: they share the shards by lease, and any of them takes
 * over what another has let go or lost.
 *
 * <p>At least once: a message is published again if its confirmation or the deletion of its row was
 * lost. In order per key and destination: one message of a key is with the transport at a time. An
 * outage of a destination pauses that destination only and burns no attempt; a message the
 * transport refuses for good is parked after {@link OutboxConfig#attempts()}. A database that is
 * down is waited for.
 *
 * <p>Thread-safe. Runs one thread, named {@code commslib-outbox-relay}, and holds one connection at
 * a time, only while it reads or writes.
 *
 * @since 0.1
 */
public final class OutboxRelay implements LifecycleComponent {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);
  private static final long DATABASE_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(300);
  private static final int MAX_ERROR_CHARS = 1_000;

  private record Completion(OutboxRow row, @Nullable Throwable failure) {}

  private final JdbcOutbox outbox;
  private final OutboxConfig config;
  private final MessageTransport transport;
  private final CommsRuntime runtime;
  private final OutboxTables tables;
  private final ShardLeases leases;
  private final DestinationPauses pauses;
  private final RelayWindow window = new RelayWindow();
  private final Queue<Completion> completions = new ConcurrentLinkedQueue<>();
  private final List<OutboxRow> confirmed = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch drained = new CountDownLatch(1);
  private final Thread thread;
  private boolean retries = true;
  private long retriesCheckedNanos;
  private long promotedNanos;
  private volatile boolean draining;
  private volatile boolean closed;
  private volatile Health health = Health.of(Health.Status.DOWN, "not started", Map.of());
  private volatile String lastError = "";

  private OutboxRelay(JdbcOutbox outbox, MessageTransport transport, CommsRuntime runtime) {
    this.outbox = outbox;
    this.config = outbox.config();
    this.transport = transport;
    this.runtime = runtime;
    this.tables = new OutboxTables(outbox.jdbc());
    this.leases =
        new ShardLeases(
            outbox.jdbc(),
            config,
            runtime.time(),
            MessageIds.next(runtime.time(), runtime.random()));
    this.pauses = new DestinationPauses(runtime, config.backoff());
    this.thread = runtime.newThread("outbox-relay", this::run);
  }

  /**
   * Creates a relay.
   *
   * @param outbox whose rows it publishes; a commit through it wakes this relay at once
   * @param transport where they go
   * @param runtime time, randomness and threads
   * @return new relay, not yet started
   */
  public static OutboxRelay create(
      JdbcOutbox outbox, MessageTransport transport, CommsRuntime runtime) {
    return new OutboxRelay(
        Objects.requireNonNull(outbox, "outbox"),
        Objects.requireNonNull(transport, "transport"),
        Objects.requireNonNull(runtime, "runtime"));
  }

  @Override
  public String name() {
    return "outbox-relay";
  }

  /**
   * Checks the tables and starts the relay's thread.
   *
   * @throws io.commslib.core.StoreException if the schema is missing, older or newer, was made with
   *     another number of shards, or the database can't be reached
   */
  @Override
  public void start() {
    OutboxSchema.scripts().check(outbox.jdbc());
    inTransaction("prepare", leases::prepare);
    health = Health.of(Health.Status.UP, "", Map.of());
    thread.start();
  }

  /**
   * Publishes what is there; returns when a look has found nothing more and all is confirmed and
   * deleted.
   */
  @Override
  public boolean drain(Duration timeout) {
    draining = true;
    outbox.wake();
    try {
      return drained.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Stops and gives the shards back. What was published and not confirmed will be published again.
   */
  @Override
  public void close() {
    closed = true;
    outbox.wake();
    if (!thread.isAlive()) {
      return;
    }
    try {
      if (!ended.await(5, TimeUnit.SECONDS)) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Health health() {
    return health;
  }

  private void run() {
    try {
      while (!closed) {
        long wait = pass();
        if (wait > 0 && completions.isEmpty()) {
          outbox.signal().await(wait);
        }
      }
      inTransaction("release", leases::releaseAll);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.warn("outbox relay ends: {}", e.toString());
    } finally {
      health = Health.of(Health.Status.DOWN, "closed", Map.of());
      ended.countDown();
    }
  }

  /** One round; returns how long to wait for a signal before the next. */
  private long pass() {
    try {
      if (leases.isTickDue()) {
        Set<Integer> busy = window.busyShards();
        inTransaction("lease", connection -> leases.tick(connection, busy));
      }
      promoteDelayed();
      settleCompletions();
      acknowledge();
      int found = read();
      noteHealth(null);
      if (found > 0) {
        return 0;
      }
      if (draining && window.size() == 0 && pauses.isEmpty()) {
        drained.countDown();
      }
      return pauses.nanosToNext(
          Math.min(config.pollInterval().toNanos(), Math.max(1, leases.nanosToTick())));
    } catch (CommsException e) {
      log.warn("outbox relay waits: {}", e.toString());
      noteHealth(e);
      return DATABASE_PAUSE_NANOS;
    } catch (RuntimeException e) {
      log.error("outbox relay failed, goes on", e);
      noteHealth(e);
      return DATABASE_PAUSE_NANOS;
    }
  }

  private int read() {
    int room = config.maxUnconfirmed() - window.size();
    Set<Integer> shards = leases.readable();
    if (room <= 0 || shards.isEmpty()) {
      return 0;
    }
    // Rows held already stand at the front of what is read; beyond them there must be room for new
    // ones.
    int fresh = Math.max(16, config.batchSize() / shards.size());
    int perShard = Math.max(64, Integer.highestOneBit(window.largestShard() + fresh - 1) * 2);
    List<OutboxRow> rows = new ArrayList<>();
    inTransaction(
        "read",
        connection -> {
          checkRetries(connection);
          rows.addAll(tables.read(connection, shards, perShard, pauses.paused(), retries));
        });
    int before = window.size();
    for (OutboxRow row : rows) {
      if (window.size() >= config.maxUnconfirmed()) {
        break;
      }
      if (window.add(row)) {
        publish(row);
      }
    }
    return window.size() - before;
  }

  private void checkRetries(Connection connection) throws SQLException {
    long now = runtime.time().nanoTime();
    if (retries || now - retriesCheckedNanos > TimeUnit.SECONDS.toNanos(2)) {
      retries = tables.hasRetries(connection);
      retriesCheckedNanos = now;
    }
  }

  private void publish(OutboxRow row) {
    if (!leases.isSafe() || !leases.owns(row.shard())) {
      window.forget(row);
      return;
    }
    try {
      transport
          .publisher()
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
    outbox.signal().raise();
  }

  private void settleCompletions() {
    for (Completion done = completions.poll(); done != null; done = completions.poll()) {
      OutboxRow row = done.row();
      if (done.failure() == null) {
        pauses.succeeded(row.destination());
        confirmed.add(row);
        OutboxRow next = window.next(row);
        if (next != null) {
          publish(next);
        }
      } else {
        failed(row, done.failure());
      }
    }
  }

  private void failed(OutboxRow row, Throwable failure) {
    boolean unreadable = failure instanceof CodecException;
    boolean refused =
        failure instanceof CommsException known && known.kind() == FailureKind.PERMANENT;
    lastError = failure.toString();
    window.forget(row);
    if (!refused) {
      pauses.failed(row.destination());
      window.forgetWaiting(other -> other.destination().equals(row.destination()));
      log.warn("destination {} pauses: {}", row.destination(), failure.toString());
      return;
    }
    String code = ((CommsException) failure).code();
    String error = failure.toString();
    String text = error.substring(0, Math.min(error.length(), MAX_ERROR_CHARS)).replace('\0', ' ');
    inTransaction(
        "count failure",
        connection -> {
          if (!leases.fence(connection, row.shard())) {
            return;
          }
          retries = true;
          int known = tables.attempts(connection, row);
          long wait = config.backoff().next(known + 1, runtime.random()).toMillis();
          int attempts = tables.countFailure(connection, row, text, wait);
          if (unreadable || attempts >= config.attempts()) {
            tables.park(
                connection, row, code, config.onParked() == OutboxConfig.OnParked.BLOCK_KEY);
            log.warn(
                "outbox row {}/{} parked after {} attempts: {}",
                row.shard(),
                row.id(),
                attempts,
                error);
          }
        });
  }

  private void acknowledge() {
    if (confirmed.isEmpty()) {
      return;
    }
    List<OutboxRow> rows = List.copyOf(confirmed);
    inTransaction(
        "acknowledge",
        connection -> {
          tables.acknowledge(connection, rows, retries);
          leases.compareEpochs(connection);
        });
    confirmed.clear();
    window.acknowledged(rows);
  }

  private void promoteDelayed() {
    long now = runtime.time().nanoTime();
    if (!leases.owns(0) || now - promotedNanos < config.pollInterval().toNanos()) {
      return;
    }
    promotedNanos = now;
    inTransaction(
        "promote delayed",
        connection -> {
          if (leases.fence(connection, 0)) {
            tables.promoteDelayed(connection, config.batchSize());
          }
        });
  }

  private void noteHealth(@Nullable RuntimeException failure) {
    Map<String, String> details = new HashMap<>();
    details.put("held", Integer.toString(window.size()));
    details.put("ownedShards", Integer.toString(leases.ownedCount()));
    details.put("lastError", lastError);
    Set<String> paused = pauses.paused();
    if (failure != null) {
      lastError = failure.toString();
      health = Health.of(Health.Status.DOWN, failure.toString(), details);
    } else if (!pauses.isEmpty()) {
      health = Health.of(Health.Status.DEGRADED, "paused destinations: " + paused, details);
    } else {
      health = Health.of(Health.Status.UP, "", details);
    }
  }

  private interface SqlWork {
    void run(Connection connection) throws SQLException;
  }

  private void inTransaction(String doing, SqlWork work) {
    try (Connection connection = outbox.jdbc().dataSource().getConnection()) {
      connection.setAutoCommit(false);
      try {
        work.run(connection);
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        rollBackQuietly(connection);
        throw e;
      } finally {
        restore(connection);
      }
    } catch (SQLException e) {
      throw SqlErrors.translate("outbox " + doing, e);
    }
  }

  private static void rollBackQuietly(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      // The database rolls back what a broken connection leaves behind.
      return;
    }
  }

  private static void restore(Connection connection) {
    try {
      connection.setAutoCommit(true);
    } catch (SQLException e) {
      // A pool throws a broken connection away.
      return;
    }
  }
}
