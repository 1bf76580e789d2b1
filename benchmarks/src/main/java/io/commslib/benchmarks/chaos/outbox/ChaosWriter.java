package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.SqlErrors;
import io.commslib.outbox.Outbox;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * An application's transactions: business rows and their messages together, some rolled back. A key
 * belongs to one writer, which uses the next number of a key only when it knows that the previous
 * one is committed. So the order of a key is known. Confined to one thread.
 */
final class ChaosWriter {

  static final Destination QUEUE = Destination.queue("chaos");

  /**
   * The load of a writer.
   *
   * @param keys the number of keys
   * @param maxBatch the maximum number of messages in a transaction
   * @param rollBackPercent the share of transactions that are rolled back
   * @param delayedPercent the share of messages with a later delivery time
   * @param refusedPercent the share of messages that the broker refuses a few times
   * @param openFor the maximum time that a transaction stays open
   * @param bodyBytes the size of each body
   */
  record Load(
      int keys,
      int maxBatch,
      int rollBackPercent,
      int delayedPercent,
      int refusedPercent,
      Duration openFor,
      int bodyBytes) {

    Load(
        int keys,
        int maxBatch,
        int rollBackPercent,
        int delayedPercent,
        int refusedPercent,
        Duration openFor) {
      this(keys, maxBatch, rollBackPercent, delayedPercent, refusedPercent, openFor, BODY_BYTES);
    }

    static final Load MIXED = new Load(10, 5, 10, 4, 4, Duration.ZERO);
    static final Load PLAIN = new Load(50, 5, 5, 0, 0, Duration.ZERO);
  }

  private static final class RolledBack extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static final Duration DELAY = Duration.ofMillis(100);
  private static final long PAUSE_NANOS = 20_000_000;
  private static final int BODY_BYTES = 256;

  private final String name;
  private final String incarnation;
  private final Outbox outbox;
  private final TransactionRunner transactions;
  private final ChaosTables tables;
  private final HistoryWriter history;
  private final Load load;
  private final Random random;
  private final byte[] body;
  private final Map<String, Long> nextSequences = new HashMap<>();
  private final AtomicLong committed = new AtomicLong();
  private final AtomicLong unknown = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private long attempts;

  ChaosWriter(
      String name,
      String incarnation,
      Outbox outbox,
      TransactionRunner transactions,
      ChaosTables tables,
      HistoryWriter history,
      Load load,
      Random random)
      throws SQLException {
    this.name = name;
    this.incarnation = incarnation;
    this.outbox = outbox;
    this.transactions = transactions;
    this.tables = tables;
    this.history = history;
    this.load = load;
    this.random = random;
    this.body = new byte[load.bodyBytes()];
    tables.highestSequences(name).forEach((key, highest) -> nextSequences.put(key, highest + 1));
  }

  long committed() {
    return committed.get();
  }

  /** {@return the number of commits with an unknown result} */
  long unknown() {
    return unknown.get();
  }

  /**
   * {@return the number of transactions that failed with a known result, without intended
   * rollbacks}
   */
  long failed() {
    return failed.get();
  }

  /** Runs one transaction, repeated until it is committed or intentionally rolled back. */
  void write() {
    List<Message> messages = new ArrayList<>();
    List<MessageTrace> traces = new ArrayList<>();
    Map<String, Long> next = new HashMap<>();
    for (int i = 1 + random.nextInt(load.maxBatch()); i > 0; i--) {
      add(messages, traces, next);
    }
    boolean rollBack = random.nextInt(100) < load.rollBackPercent();
    while (!attempt(messages, traces, rollBack)) {
      LockSupport.parkNanos(PAUSE_NANOS);
      if (Thread.currentThread().isInterrupted()) {
        return;
      }
    }
    if (!rollBack) {
      nextSequences.putAll(next);
      committed.addAndGet(traces.size());
    }
  }

  private void add(List<Message> messages, List<MessageTrace> traces, Map<String, Long> next) {
    boolean later = random.nextInt(100) < load.delayedPercent();
    long attempt = attempts++;
    // A delayed message is not ordered with others, so it has its own key.
    String key =
        later
            ? name + "-later-" + incarnation + "-" + attempt
            : name + "-k" + random.nextInt(load.keys());
    long number = next.getOrDefault(key, nextSequences.getOrDefault(key, 0L));
    next.put(key, number + 1);
    MessageTrace trace =
        new MessageTrace(key + "-" + number + "-" + incarnation + "-" + attempt, name, key, number);
    Message.Builder message = trace.stamp(Message.builder("chaos.event")).sharedBody(body);
    if (later) {
      message.deliverAt(Instant.now().plus(DELAY));
    }
    if (random.nextInt(100) < load.refusedPercent()) {
      message.header(ChaosBroker.REFUSALS, Integer.toString(1 + random.nextInt(3)));
    }
    traces.add(trace);
    messages.add(message.build());
  }

  /** Returns whether the transaction is finished; false to repeat it. */
  private boolean attempt(List<Message> messages, List<MessageTrace> traces, boolean rollBack) {
    traces.forEach(trace -> history.record(HistoryOp.ATTEMPT, trace));
    try {
      transactions.<Object, SQLException>run(
          tx -> {
            tables.insertOrders(tx.unwrap(Connection.class), traces);
            outbox.publishAll(tx, QUEUE, messages);
            keepOpen();
            if (rollBack) {
              throw new RolledBack();
            }
            return null;
          });
      record(HistoryOp.COMMIT, traces);
      return true;
    } catch (RolledBack e) {
      record(HistoryOp.FAIL, traces);
      return true;
    } catch (StoreException e) {
      return failed(e, traces);
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        // An earlier attempt with an unknown result was committed after all.
        record(HistoryOp.COMMIT, traces);
        return true;
      }
      return failed(SqlErrors.translate("business insert", e), traces);
    }
  }

  private boolean failed(StoreException failure, List<MessageTrace> traces) {
    if (failure.kind() == FailureKind.PERMANENT) {
      throw failure;
    }
    if (failure.kind() != FailureKind.UNKNOWN_RESULT) {
      failed.incrementAndGet();
      record(HistoryOp.FAIL, traces);
      return false;
    }
    unknown.incrementAndGet();
    record(HistoryOp.UNKNOWN, traces);
    return resolveUnknown(traces);
  }

  /** After an unknown result, returns whether the business row exists; waits for the database. */
  private boolean resolveUnknown(List<MessageTrace> traces) {
    while (!Thread.currentThread().isInterrupted()) {
      try {
        boolean there = tables.hasOrder(traces.get(0).id());
        if (there) {
          record(HistoryOp.COMMIT, traces);
        }
        return there;
      } catch (SQLException e) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
    return true;
  }

  private void keepOpen() {
    if (!load.openFor().isZero()) {
      LockSupport.parkNanos((long) (random.nextDouble() * load.openFor().toNanos()));
    }
  }

  private void record(HistoryOp op, List<MessageTrace> traces) {
    traces.forEach(trace -> history.record(op, trace));
  }
}
