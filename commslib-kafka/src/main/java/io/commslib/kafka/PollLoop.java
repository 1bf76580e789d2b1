package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.kafka.KafkaErrors.CommitFailure;
import io.commslib.kafka.OwnedPartition.Phase;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that owns a consumer. It never waits for a handler while it should poll, so
 * membership is kept however slow handlers are: what the engine can't take now stays in a small
 * buffer and the partitions pause. Only losing a partition waits, bounded, for its running
 * handlers.
 *
 * <p>Every assignment of a partition has a ledger of its own. Revoked: handlers end, the frontier
 * is committed, the ledger is dropped. Lost: it is dropped without commit, since another member may
 * be ahead. After a poll or a callback that failed, the consumer is asked which partitions are
 * assigned.
 *
 * <p>Whatever a pass throws, errors of the JVM too, ends that pass only. Records that the consumer
 * has returned and the ledger has not seen by then are read again: {@link OwnedPartition} says how.
 */
final class PollLoop implements Settler, ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);
  private static final Duration POLL_TIMEOUT = Duration.ofMillis(100);
  private static final Duration BLOCKED_POLL_TIMEOUT = Duration.ofMillis(5);
  private static final Duration REVOKE_LIMIT = Duration.ofSeconds(5);

  /** For the last commit, with the rebalance that it may have to wait for. */
  private static final Duration FINAL_COMMIT_LIMIT = Duration.ofSeconds(5);

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
  private static final long ERROR_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Within which a loop that was told to end has ended. */
  static final Duration END_LIMIT =
      FINAL_COMMIT_LIMIT.plus(CLOSE_LIMIT).plus(Duration.ofSeconds(2));

  /**
   * Beyond what a pass takes at most: a rebalance that waits for running handlers and commits, and
   * the questions where reading begins.
   */
  static final Duration PASS_LIMIT = Duration.ofSeconds(30);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final KafkaTransportConfig config;
  private final TimeSource time;
  private final OffsetCommits commits;
  private final StartPositions starts;
  private final StallDetector stallDetector;
  private final DelayTopics delays;
  private final Map<TopicPartition, OwnedPartition> owned = new HashMap<>();
  private final Intake intake;
  private final CommitWaiters commitWaiters = new CommitWaiters();
  private final CountDownLatch assigned = new CountDownLatch(1);
  private final AtomicReference<@Nullable Duration> requestedAbsence = new AtomicReference<>();
  private @Nullable DeliveryEngine engine;
  private List<String> topics = List.of();

  /** While the group is left for an error of the JVM: when to join it again. */
  private OptionalLong rejoinAtNanos = OptionalLong.empty();

  private long nextCommitNanos;
  private long nextOpenNanos;

  /** Set before a poll and cleared when all that it returned is in the ledgers. */
  private boolean pollPending;

  /** Whether a callback ended half way, so that the consumer has to be asked what is assigned. */
  private boolean ownershipUncertain;

  private boolean joined;
  private volatile boolean intakeStopped;
  private volatile boolean stopped;
  private volatile String lastError = "";
  private volatile long lastPassNanos;

  PollLoop(
      Consumer<byte[], ByteBuffer> consumer,
      KafkaTransportConfig config,
      SubscriptionConfig subscription,
      CommsRuntime runtime,
      DelayTopics delays) {
    this.consumer = consumer;
    this.config = config;
    this.time = runtime.time();
    this.delays = delays;
    this.commits = new OffsetCommits(consumer, time);
    this.starts = new StartPositions(consumer, subscription, commits, time);
    this.intake = new Intake(consumer, owned, delays, commits, time);
    this.stallDetector = new StallDetector(subscription);
    this.nextCommitNanos = time.nanoTime();
    this.lastPassNanos = nextCommitNanos;
    this.nextOpenNanos = nextCommitNanos;
  }

  void attach(DeliveryEngine newEngine, List<String> names) {
    this.engine = newEngine;
    this.topics = List.copyOf(names);
    consumer.subscribe(topics, this);
  }

  /**
   * Leaves the group as a crash of the process would, so that other members go on: finished offsets
   * are committed, and the starts of work stay counted. Joins again after the pause. Returns at
   * once; for any thread.
   */
  void leaveGroupFor(Duration pause) {
    requestedAbsence.set(pause);
    consumer.wakeup();
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  boolean awaitAssigned(Duration timeout) throws InterruptedException {
    return assigned.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Hands no more records over, but keeps polling and so its membership. */
  void stopIntake() {
    intakeStopped = true;
  }

  /**
   * Waits until all that is settled by now is committed. For any thread but that of the loop.
   *
   * @return whether the broker has confirmed it in time
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

  /** What went wrong last, empty while all is well. */
  String lastError() {
    for (String error :
        List.of(lastError, starts.lastError(), commits.lastError(), stallDetector.reason())) {
      if (!error.isEmpty()) {
        return error;
      }
    }
    return "";
  }

  /** The age of the last pass that ended well; grows while passes fail or one hangs. */
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

  /** One pass; false if it failed and the next one should wait a little. */
  boolean tryPass() {
    try {
      pass();
      lastPassNanos = time.nanoTime();
      lastError = "";
      return true;
    } catch (WakeupException e) {
      // The loop shall look at its flags.
      return true;
    } catch (Throwable e) {
      failed("poll failed, goes on", e);
      return false;
    }
  }

  /** Never throws, since it is where everything thrown ends. */
  private void failed(String what, Throwable failure) {
    // The client sets the flag of an interrupt again; left set, every later call would fail at
    // once.
    boolean interrupted = Thread.interrupted();
    try {
      lastError = failure.toString();
      if (failure instanceof KafkaException) {
        log.warn("{}: {}{}", what, lastError, interrupted ? ", interrupted" : "");
      } else {
        log.error(what, failure);
      }
    } catch (Throwable e) {
      // There may be no memory for a text, or the failure's own text fails.
      lastError = what;
    }
  }

  private void pass() {
    if (isAway()) {
      commitWaiters.serve(() -> true);
      LockSupport.parkNanos(POLL_TIMEOUT.toNanos());
      return;
    }
    refreshOwned();
    reposition();
    dispatch();
    boolean blocked = pauseBlocked();
    pollPending = true;
    intake.receive(consumer.poll(blocked && !intakeStopped ? BLOCKED_POLL_TIMEOUT : POLL_TIMEOUT));
    pollPending = false;
    dispatch();
    commitWaiters.serve(() -> commits.commitProgressSync(ledgers()).isEmpty());
    long now = time.nanoTime();
    if (now - nextCommitNanos >= 0) {
      nextCommitNanos = now + config.commitInterval().toNanos();
      commits.commitProgressAsync(ledgers());
      stallDetector.check(ledgers(), engine(), now);
      skipGaps();
    }
  }

  /** Leaves the group where that is asked for, and joins again in time. */
  private boolean isAway() {
    Duration pause = requestedAbsence.getAndSet(null);
    if (pause != null) {
      rejoinAtNanos = OptionalLong.of(time.nanoTime() + pause.toNanos());
      leaveGroup();
    }
    if (rejoinAtNanos.isEmpty()) {
      return false;
    }
    if (intakeStopped || time.nanoTime() - rejoinAtNanos.getAsLong() < 0) {
      return true;
    }
    // Asked for what is assigned, should leaving have ended half way.
    ownershipUncertain = true;
    consumer.subscribe(topics, this);
    rejoinAtNanos = OptionalLong.empty();
    return false;
  }

  private void leaveGroup() {
    pollPending = false;
    try {
      consumer.unsubscribe();
    } finally {
      // The callback has done it already, unless it or the client failed.
      release(List.copyOf(owned.values()));
    }
  }

  private List<PartitionLedger> ledgers() {
    return owned.values().stream().map(OwnedPartition::ledger).toList();
  }

  /** Learns from the consumer what is assigned, where the callbacks may not have told all of it. */
  private void refreshOwned() {
    if (!pollPending && !ownershipUncertain) {
      return;
    }
    Set<TopicPartition> now = consumer.assignment();
    List<OwnedPartition> gone =
        owned.values().stream().filter(owner -> !now.contains(owner.partition())).toList();
    release(gone);
    for (TopicPartition partition : now) {
      owned.computeIfAbsent(partition, added -> new OwnedPartition(added, time.nanoTime()));
    }
    ownershipUncertain = false;
  }

  /** Sends the consumer to where each partition has to be read, where that is not certain. */
  private void reposition() {
    if (pollPending) {
      owned.values().forEach(OwnedPartition::markAhead);
      pollPending = false;
    }
    openNew();
    for (OwnedPartition owner : owned.values()) {
      switch (owner.phase()) {
        case AHEAD -> {
          delays.forget(owner.partition());
          long next = owner.ledger().nextOffset();
          consumer.seek(owner.partition(), next);
          owner.open(next);
        }
        case UNCERTAIN -> restart(owner, Long.MAX_VALUE);
        case REPLACED -> restart(owner, owner.readUpTo());
        case NEW, OPEN -> {}
      }
    }
  }

  private void openNew() {
    if (hasNew() && time.nanoTime() - nextOpenNanos >= 0) {
      starts.open(owned.values().stream().filter(owner -> owner.phase() == Phase.NEW).toList());
      nextOpenNanos = time.nanoTime() + ERROR_PAUSE_NANOS;
      signalAssigned();
    }
  }

  private void signalAssigned() {
    if (joined && !hasNew()) {
      assigned.countDown();
    }
  }

  /**
   * Asked in each pass, of which there are thousands a second: allocates nothing but an iterator.
   */
  private boolean hasNew() {
    for (OwnedPartition owner : owned.values()) {
      if (owner.phase() == Phase.NEW) {
        return true;
      }
    }
    return false;
  }

  /**
   * Takes everything unfinished of a partition back from the engine, as if it were assigned anew:
   * what is not finished when its running handlers have ended is read again.
   */
  private void restart(OwnedPartition owner, long limit) {
    PartitionLedger ledger = owner.ledger();
    intake.drop(ledger);
    delays.forget(owner.partition());
    engine().stopScope(ledger);
    if (!engine().awaitScopeIdle(ledger, Duration.ZERO)) {
      return;
    }
    engine().revoke(ledger);
    PartitionLedger successor = ledger.successor(limit, time.nanoTime());
    consumer.seek(owner.partition(), successor.nextOffset());
    owner.open(successor, successor.nextOffset());
    if (limit < Long.MAX_VALUE) {
      log.warn(
          "the log of {} was cut off or made again: read from offset {} on",
          owner.partition(),
          successor.nextOffset());
    }
  }

  /** All partitions while the buffer is full, else those that must not be read now. */
  private boolean pauseBlocked() {
    boolean all = intakeStopped || intake.isFull();
    long now = time.now().toEpochMilli();
    Set<TopicPartition> paused = consumer.paused();
    for (OwnedPartition owner : owned.values()) {
      TopicPartition partition = owner.partition();
      boolean hold =
          all
              || !owner.isOpen()
              || intake.hasSuspects(owner.ledger())
              || delays.isWaiting(partition, now)
              || owner.ledger().isMetadataNearlyFull();
      if (hold && !paused.contains(partition)) {
        consumer.pause(Set.of(partition));
      } else if (!hold && paused.contains(partition)) {
        consumer.resume(Set.of(partition));
      }
    }
    return all || intake.hasSuspects();
  }

  private void dispatch() {
    if (!intakeStopped) {
      intake.dispatch(engine());
    }
  }

  /** Markers of transactions and compacted ends never come as records. */
  private void skipGaps() {
    if (intake.isFull()) {
      return;
    }
    for (OwnedPartition owner : owned.values()) {
      if (owner.isOpen() && owner.ledger().isIdle()) {
        position(owner.partition()).ifPresent(owner.ledger()::advanceTo);
      }
    }
  }

  /** Empty if it is not known now. */
  private OptionalLong position(TopicPartition partition) {
    try {
      return OptionalLong.of(consumer.position(partition, Duration.ZERO));
    } catch (TimeoutException e) {
      return OptionalLong.empty();
    }
  }

  private void shutDown() {
    boolean committed = false;
    try {
      committed = commitFinal();
    } catch (Throwable e) {
      failed("the last commit failed, what it would have said is delivered again", e);
    }
    owned.clear();
    commitWaiters.complete(committed);
    assigned.countDown();
    closeConsumer(CLOSE_LIMIT);
  }

  /**
   * During a rebalance the client refuses to commit until it has completed, which it does in polls.
   * What is revoked by it is committed in the callback, and the rest here.
   */
  private boolean commitFinal() {
    long end = time.nanoTime() + FINAL_COMMIT_LIMIT.toNanos();
    while (true) {
      Duration rest = Duration.ofNanos(Math.max(0, end - time.nanoTime()));
      boolean needed = ledgers().stream().anyMatch(PartitionLedger::isUnconfirmed);
      Optional<CommitFailure> failure = commits.commitOnRevoke(ledgers(), rest);
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
      // What a partition returns that is assigned in here has no ledger and is never committed.
      consumer.poll(POLL_TIMEOUT);
    } catch (WakeupException e) {
      log.debug("woken up in the last rebalance");
    } catch (KafkaException e) {
      failed("poll before the last commit failed", e);
      LockSupport.parkNanos(POLL_TIMEOUT.toNanos());
    }
  }

  // The form with options is younger than the oldest client this runs with.
  @SuppressWarnings("deprecation")
  private void closeConsumer(Duration limit) {
    try {
      consumer.close(limit);
    } catch (Throwable e) {
      failed("consumer did not close cleanly", e);
    }
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    if (stopped) {
      return;
    }
    joined = true;
    try {
      release(ownedOf(partitions));
      List<OwnedPartition> fresh = new ArrayList<>();
      for (TopicPartition partition : partitions) {
        OwnedPartition owner = new OwnedPartition(partition, time.nanoTime());
        owned.put(partition, owner);
        fresh.add(owner);
      }
      // Here, so that where a new group starts is settled when it has joined.
      starts.open(fresh);
      signalAssigned();
      consumer.pause(
          fresh.stream().filter(owner -> !owner.isOpen()).map(OwnedPartition::partition).toList());
    } catch (Throwable e) {
      ownershipUncertain = true;
      failed("partitions were assigned, opening them is tried again", e);
    }
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    // Set by chance, it would cut the wait for running handlers short.
    Thread.interrupted();
    List<OwnedPartition> leaving = List.of();
    try {
      leaving = ownedOf(partitions);
      List<PartitionLedger> ledgers = leaving.stream().map(OwnedPartition::ledger).toList();
      ledgers.forEach(intake::drop);
      ledgers.forEach(engine()::stopScope);
      long end = time.nanoTime() + REVOKE_LIMIT.toNanos();
      for (PartitionLedger ledger : ledgers) {
        // A closed engine settles nothing more.
        Duration rest = Duration.ofNanos(stopped ? 0 : Math.max(0, end - time.nanoTime()));
        engine().awaitScopeIdle(ledger, rest);
      }
      if (rejoinAtNanos.isPresent()) {
        // A farewell would say that nothing had begun in vain.
        commits.commitProgressSync(ledgers);
      } else {
        commits.commitOnRevoke(ledgers, REVOKE_LIMIT);
      }
    } catch (Throwable e) {
      ownershipUncertain = true;
      failed("partitions are revoked, their last commit failed", e);
    } finally {
      release(leaving);
    }
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    try {
      release(ownedOf(partitions));
    } catch (Throwable e) {
      ownershipUncertain = true;
      failed("partitions were lost", e);
    }
  }

  private List<OwnedPartition> ownedOf(Collection<TopicPartition> partitions) {
    return partitions.stream().map(owned::get).filter(Objects::nonNull).toList();
  }

  /** Without commit: whoever owns them now may be ahead. */
  private void release(List<OwnedPartition> leaving) {
    for (OwnedPartition owner : leaving) {
      owned.remove(owner.partition());
      intake.drop(owner.ledger());
      delays.forget(owner.partition());
      try {
        engine().revoke(owner.ledger());
      } catch (Throwable e) {
        failed("records of " + owner.partition() + " may still be handled, it has been lost", e);
      }
    }
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    ((KafkaDelivery) delivery).finished();
  }

  /** Its offset stays unfinished, so whoever reads the partition next reads it again. */
  @Override
  public void giveBack(RawDelivery delivery) {}
}
