package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.kafka.KafkaErrors.CommitFailure;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns a consumer. One pass positions the consumer, dispatches buffered records to
 * the engine, polls, and commits when the commit interval is over. Offsets, commits and rebalances
 * are described in {@link PartitionLedger}.
 *
 * <p>The thread keeps polling however slow the handlers are, and so keeps its membership: records
 * that the engine can't accept now stay in a small buffer, and the partitions pause. Only the
 * revocation of a partition waits for running handlers, for a bounded time.
 *
 * <p>A failure, an error of the JVM included, ends one pass and not the loop. Records that the
 * consumer has returned and that are not in a ledger yet are read again, see {@link
 * OwnedPartition}.
 */
final class PollLoop implements Settler {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);
  private static final Duration POLL_TIMEOUT = Duration.ofMillis(100);
  private static final Duration BLOCKED_POLL_TIMEOUT = Duration.ofMillis(5);

  /** For the final commit, including a rebalance that it may have to wait for. */
  private static final Duration FINAL_COMMIT_LIMIT = Duration.ofSeconds(5);

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
  private static final long ERROR_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** The longest time that a loop takes to end after {@link #stop}. */
  static final Duration END_LIMIT =
      FINAL_COMMIT_LIMIT.plus(CLOSE_LIMIT).plus(TopicIds.POLL_LIMIT).plus(Duration.ofSeconds(2));

  /**
   * Longer than any healthy pass, which may contain a rebalance that waits for running handlers and
   * commits, and the requests for start positions.
   */
  static final Duration PASS_LIMIT = Duration.ofSeconds(30);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final KafkaTransportConfig config;
  private final SubscribedTopics topics;
  private final TimeSource time;
  private final OffsetCommits commits;
  private final StartPositions starts;
  private final StallDetector stallDetector;
  private final PartitionAssignment assignment;
  private final Intake intake;
  private final PollFailures failures = new PollFailures();
  private final CommitWaiters commitWaiters = new CommitWaiters();
  private final AtomicReference<@Nullable Duration> requestedAbsence = new AtomicReference<>();
  private @Nullable DeliveryEngine engine;

  /** The time to join the group again; empty while the loop is not absent from it. */
  private OptionalLong rejoinAtNanos = OptionalLong.empty();

  private long nextCommitNanos;
  private volatile boolean intakeStopped;
  private volatile boolean stopped;
  private volatile long lastPassNanos;

  PollLoop(
      Consumer<byte[], ByteBuffer> consumer,
      KafkaTransportConfig config,
      SubscriptionConfig subscription,
      CommsRuntime runtime,
      SubscribedTopics topics,
      TopicIds ids,
      FetchMemory memory) {
    this.consumer = consumer;
    this.config = config;
    this.topics = topics;
    this.time = runtime.time();
    this.commits = new OffsetCommits(consumer, time);
    this.starts = new StartPositions(consumer, subscription, topics, ids, commits, time);
    Map<TopicPartition, OwnedPartition> owned = new HashMap<>();
    this.intake = new Intake(consumer, owned, topics, commits, time, memory);
    this.stallDetector = new StallDetector(subscription);
    this.nextCommitNanos = time.nanoTime();
    this.lastPassNanos = nextCommitNanos;
    this.assignment =
        new PartitionAssignment(
            consumer,
            owned,
            intake,
            commits,
            starts,
            topics.delays(),
            failures,
            time,
            () -> stopped);
  }

  void attach(DeliveryEngine newEngine) {
    this.engine = newEngine;
    assignment.subscribe(newEngine, topics.names());
  }

  /**
   * Leaves the group as a crash of the process would, so that other members take over: finished
   * offsets are committed, and the recorded starts of unfinished ones stay counted. Joins again
   * after the pause. Returns immediately; for any thread.
   */
  void leaveGroupFor(Duration pause) {
    requestedAbsence.set(pause);
    consumer.wakeup();
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  /** Waits as {@link PartitionAssignment#awaitAssigned}. */
  boolean awaitAssigned(Duration timeout) throws InterruptedException {
    return assignment.awaitAssigned(timeout);
  }

  /** The failure by which the cluster refused the member before it had joined; null if none. */
  @Nullable Throwable refusal() {
    return assignment.refusal();
  }

  /** Dispatches no more records, but continues to poll and so keeps its membership. */
  void stopIntake() {
    intakeStopped = true;
  }

  /**
   * Waits until everything that is settled at the time of the call is committed. For any thread but
   * that of the loop.
   *
   * @return whether the broker has confirmed the commit in time
   */
  boolean awaitCommitted(long timeoutNanos) {
    return commitWaiters.await(timeoutNanos);
  }

  void stop() {
    stopped = true;
    consumer.wakeup();
  }

  /** Frees the consumer of a loop that never ran. */
  void abandon() {
    closeConsumer(Duration.ZERO);
  }

  /** The current error of the loop; empty if there is none. */
  String lastError() {
    for (String error :
        List.of(failures.last(), starts.lastError(), commits.lastError(), stallDetector.reason())) {
      if (!error.isEmpty()) {
        return error;
      }
    }
    return "";
  }

  /** The age of the last successful pass; grows while passes fail or one hangs. */
  Duration passAge() {
    return Duration.ofNanos(Math.max(0, time.nanoTime() - lastPassNanos));
  }

  void run() {
    while (!stopped) {
      if (!tryPass()) {
        LockSupport.parkNanos(ERROR_PAUSE_NANOS);
      }
    }
    shutDown();
  }

  /** Runs one pass; returns false if it failed and the next one should wait a little. */
  boolean tryPass() {
    try {
      pass();
      lastPassNanos = time.nanoTime();
      failures.clear();
      return true;
    } catch (WakeupException e) {
      // Its only purpose is that the loop checks its flags.
      return true;
    } catch (Throwable e) {
      failures.report("poll failed, the loop continues", e);
      if (KafkaErrors.isRefusal(e)) {
        assignment.refused(e);
      }
      return false;
    }
  }

  private void pass() {
    if (isAway()) {
      commitWaiters.serve(() -> true);
      LockSupport.parkNanos(POLL_TIMEOUT.toNanos());
      return;
    }
    assignment.prepare();
    dispatch();
    boolean blocked = assignment.pauseBlocked(intakeStopped);
    assignment.pollStarted();
    intake.receive(consumer.poll(blocked && !intakeStopped ? BLOCKED_POLL_TIMEOUT : POLL_TIMEOUT));
    assignment.pollCompleted();
    dispatch();
    commitWaiters.serve(() -> commits.commitProgressSync(assignment.ledgers()).isEmpty());
    long now = time.nanoTime();
    if (now - nextCommitNanos >= 0) {
      nextCommitNanos = now + config.commitInterval().toNanos();
      commits.commitProgressAsync(assignment.ledgers());
      stallDetector.check(assignment.ledgers(), engine(), now);
      assignment.skipGaps();
    }
  }

  /** Leaves the group on request, and joins it again when the requested absence is over. */
  private boolean isAway() {
    Duration pause = requestedAbsence.getAndSet(null);
    if (pause != null) {
      rejoinAtNanos = OptionalLong.of(time.nanoTime() + pause.toNanos());
      assignment.leave();
    }
    if (rejoinAtNanos.isEmpty()) {
      return false;
    }
    if (intakeStopped || time.nanoTime() - rejoinAtNanos.getAsLong() < 0) {
      return true;
    }
    assignment.rejoin();
    rejoinAtNanos = OptionalLong.empty();
    return false;
  }

  private void dispatch() {
    if (!intakeStopped) {
      intake.dispatch(engine());
    }
  }

  private void shutDown() {
    boolean committed = false;
    try {
      committed = commitFinal();
    } catch (Throwable e) {
      failures.report("the final commit failed, what it covered is redelivered", e);
    }
    commitWaiters.complete(committed);
    assignment.end();
    closeConsumer(CLOSE_LIMIT);
  }

  /**
   * Commits what is still owned. During a rebalance the client refuses to commit until the
   * rebalance has completed, which happens in polls. The callback commits what the rebalance
   * revokes, this method commits the rest.
   */
  private boolean commitFinal() {
    long end = time.nanoTime() + FINAL_COMMIT_LIMIT.toNanos();
    while (true) {
      Duration rest = Duration.ofNanos(Math.max(0, end - time.nanoTime()));
      List<PartitionLedger> ledgers = assignment.ledgers();
      boolean needed = ledgers.stream().anyMatch(PartitionLedger::isUnconfirmed);
      Optional<CommitFailure> failure = commits.commitOnRevoke(ledgers, rest);
      if (failure.isEmpty()) {
        return true;
      }
      if (!needed || failure.get() != CommitFailure.TRANSIENT || time.nanoTime() - end >= 0) {
        return !needed;
      }
      pollWithoutRecords();
    }
  }

  private void pollWithoutRecords() {
    try {
      consumer.pause(consumer.assignment());
      // Records of a partition that is assigned here have no ledger and are never committed.
      consumer.poll(POLL_TIMEOUT);
    } catch (WakeupException e) {
      log.debug("woken up in the last rebalance");
    } catch (KafkaException e) {
      failures.report("poll before the final commit failed", e);
      LockSupport.parkNanos(POLL_TIMEOUT.toNanos());
    }
  }

  // The variant with options is missing in the oldest supported client.
  @SuppressWarnings("deprecation")
  private void closeConsumer(Duration limit) {
    try {
      consumer.close(limit);
    } catch (Throwable e) {
      failures.report("consumer did not close cleanly", e);
    }
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    ((KafkaDelivery) delivery).finished();
  }

  /** Does nothing: the offset stays unfinished, so the next owner of the partition reads it. */
  @Override
  public void giveBack(RawDelivery delivery) {}
}
