package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.time.TimeSource;
import io.commslib.kafka.OwnedPartition.Phase;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The partitions that this member owns, and the consumer's position in each of them. Follows the
 * rebalances of the group: an assigned partition gets a new {@link PartitionLedger}, a revoked one
 * waits for its running handlers and is committed, a lost one is dropped without commit. If a poll
 * or a callback fails, the consumer is asked for its assignment, and each partition whose position
 * is uncertain is repositioned before its records are accepted again.
 *
 * <p>Confined to the poll thread, except {@link #awaitAssigned}.
 */
final class PartitionAssignment implements ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);
  private static final Duration REVOKE_LIMIT = Duration.ofSeconds(5);
  private static final long RETRY_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final Map<TopicPartition, OwnedPartition> owned;
  private final Intake intake;
  private final OffsetCommits commits;
  private final StartPositions starts;
  private final DelayTopics delays;
  private final PollFailures failures;
  private final TimeSource time;
  private final BooleanSupplier stopped;
  private final CountDownLatch assigned = new CountDownLatch(1);
  private volatile @Nullable Throwable refusal;
  private @Nullable DeliveryEngine engine;
  private List<String> topics = List.of();
  private long nextOpenNanos;

  /** Set before a poll and cleared once all records that it returned are in the ledgers. */
  private boolean pollPending;

  /** Whether a callback ended halfway, so that the consumer must be asked for its assignment. */
  private boolean ownershipUncertain;

  /** Whether the member leaves or has left the group after an error of the JVM. */
  private boolean leaving;

  private boolean joined;

  /**
   * Creates an assignment without partitions.
   *
   * @param owned shared with the intake, which only reads it
   * @param stopped whether the poll loop has been requested to end
   */
  PartitionAssignment(
      Consumer<byte[], ByteBuffer> consumer,
      Map<TopicPartition, OwnedPartition> owned,
      Intake intake,
      OffsetCommits commits,
      StartPositions starts,
      DelayTopics delays,
      PollFailures failures,
      TimeSource time,
      BooleanSupplier stopped) {
    this.consumer = consumer;
    this.owned = owned;
    this.intake = intake;
    this.commits = commits;
    this.starts = starts;
    this.delays = delays;
    this.failures = failures;
    this.time = time;
    this.stopped = stopped;
    this.nextOpenNanos = time.nanoTime();
  }

  /** Subscribes to the topics; records of the partitions go to the engine. */
  void subscribe(DeliveryEngine newEngine, List<String> newTopics) {
    this.engine = newEngine;
    this.topics = List.copyOf(newTopics);
    consumer.subscribe(topics, this);
  }

  /** Leaves the group; the recorded starts of unfinished records stay counted. */
  void leave() {
    leaving = true;
    pollPending = false;
    try {
      consumer.unsubscribe();
    } finally {
      // The callback has done it already, unless it or the client failed.
      release(List.copyOf(owned.values()));
    }
  }

  /** Joins the group again after {@link #leave}. */
  void rejoin() {
    // Leaving may have ended halfway.
    ownershipUncertain = true;
    consumer.subscribe(topics, this);
    leaving = false;
  }

  /** Forgets all partitions without commit and releases the callers of {@link #awaitAssigned}. */
  void end() {
    owned.clear();
    assigned.countDown();
  }

  /**
   * Waits until the member has joined its group and the start of each of its partitions is known,
   * until the cluster refuses it, or until the loop ends. For any thread.
   *
   * @return false if that takes longer than the timeout, or if the cluster refuses the member
   */
  boolean awaitAssigned(Duration timeout) throws InterruptedException {
    return assigned.await(timeout.toMillis(), TimeUnit.MILLISECONDS) && refusal == null;
  }

  /** Releases the callers of {@link #awaitAssigned} if the member has not joined yet. */
  void refused(Throwable failure) {
    if (assigned.getCount() > 0) {
      refusal = failure;
      assigned.countDown();
    }
  }

  /** The failure by which the cluster refused the member before it had joined; null if none. */
  @Nullable Throwable refusal() {
    return refusal;
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  List<PartitionLedger> ledgers() {
    return owned.values().stream().map(OwnedPartition::ledger).toList();
  }

  /** To be called immediately before a poll. */
  void pollStarted() {
    pollPending = true;
  }

  /** To be called once all records that the poll returned are in the ledgers. */
  void pollCompleted() {
    pollPending = false;
  }

  /** Corrects after a failure which partitions are owned and where the consumer reads them. */
  void prepare() {
    refreshOwned();
    reposition();
  }

  /** Asks the consumer for its assignment if the callbacks may not have reported all of it. */
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

  /** Moves the consumer to the next expected offset of each partition whose position is unsure. */
  private void reposition() {
    if (pollPending) {
      owned.values().forEach(OwnedPartition::markAhead);
      pollPending = false;
    }
    starts.beginPass();
    openNew();
    for (OwnedPartition owner : owned.values()) {
      switch (owner.phase()) {
        case AHEAD -> {
          if (!starts.identifyAgain(owner)) {
            continue;
          }
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
      nextOpenNanos = time.nanoTime() + RETRY_PAUSE_NANOS;
      signalAssigned();
    }
  }

  private void signalAssigned() {
    if (joined && !hasNew()) {
      assigned.countDown();
    }
  }

  /** Called in each pass, thousands of times a second: allocates only an iterator. */
  private boolean hasNew() {
    for (OwnedPartition owner : owned.values()) {
      if (owner.phase() == Phase.NEW) {
        return true;
      }
    }
    return false;
  }

  /**
   * Takes all unfinished records of a partition back from the engine, as if the partition were
   * assigned anew. Once its running handlers have ended, reading restarts at the lowest unfinished
   * offset, or at {@code limit} if that is lower.
   */
  private void restart(OwnedPartition owner, long limit) {
    PartitionLedger ledger = owner.ledger();
    intake.drop(ledger);
    delays.forget(owner.partition());
    engine().stopScope(ledger);
    if (!engine().awaitScopeIdle(ledger, Duration.ZERO) || !starts.identifyAgain(owner)) {
      return;
    }
    engine().revoke(ledger);
    PartitionLedger successor = ledger.successor(limit, time.nanoTime());
    consumer.seek(owner.partition(), successor.nextOffset());
    owner.open(successor, successor.nextOffset());
    if (limit < Long.MAX_VALUE) {
      log.warn(
          "the log of {} was truncated or recreated: reading restarts at offset {}",
          owner.partition(),
          successor.nextOffset());
    }
  }

  /**
   * Pauses each partition that must not be read now and resumes the others.
   *
   * @param intakeStopped whether to pause all of them
   * @return whether the next poll should be short, since records wait for the engine
   */
  boolean pauseBlocked(boolean intakeStopped) {
    boolean all = intakeStopped || intake.isFull();
    long now = time.now().toEpochMilli();
    Set<TopicPartition> paused = consumer.paused();
    for (OwnedPartition owner : owned.values()) {
      TopicPartition partition = owner.partition();
      boolean blocked =
          all
              || !owner.isOpen()
              || intake.hasSuspects(owner.ledger())
              || delays.isWaiting(partition, now)
              || owner.ledger().isMetadataNearlyFull();
      if (blocked && !paused.contains(partition)) {
        consumer.pause(Set.of(partition));
      } else if (!blocked && paused.contains(partition)) {
        consumer.resume(Set.of(partition));
      }
    }
    return all || intake.hasSuspects();
  }

  /** Advances idle partitions past trailing offsets that hold no record and are never returned. */
  void skipGaps() {
    if (intake.isFull()) {
      return;
    }
    for (OwnedPartition owner : owned.values()) {
      if (owner.isOpen() && owner.ledger().isIdle()) {
        position(owner.partition()).ifPresent(owner.ledger()::advanceTo);
      }
    }
  }

  /** The consumer's position; empty if the consumer does not know it yet. */
  private OptionalLong position(TopicPartition partition) {
    try {
      return OptionalLong.of(consumer.position(partition, Duration.ZERO));
    } catch (TimeoutException e) {
      return OptionalLong.empty();
    }
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    if (stopped.getAsBoolean()) {
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
      // In the callback, so that the start of a new group is decided once the member has joined.
      starts.open(fresh);
      signalAssigned();
      consumer.pause(
          fresh.stream().filter(owner -> !owner.isOpen()).map(OwnedPartition::partition).toList());
    } catch (Throwable e) {
      ownershipUncertain = true;
      failures.report("opening assigned partitions failed and is retried", e);
    }
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    // A stray interrupt would cut the wait for running handlers short.
    Thread.interrupted();
    List<OwnedPartition> revoked = List.of();
    try {
      revoked = ownedOf(partitions);
      List<PartitionLedger> ledgers = revoked.stream().map(OwnedPartition::ledger).toList();
      ledgers.forEach(intake::drop);
      ledgers.forEach(engine()::stopScope);
      long end = time.nanoTime() + REVOKE_LIMIT.toNanos();
      for (PartitionLedger ledger : ledgers) {
        // A closed engine settles nothing more.
        boolean noWait = stopped.getAsBoolean();
        Duration rest = Duration.ofNanos(noWait ? 0 : Math.max(0, end - time.nanoTime()));
        engine().awaitScopeIdle(ledger, rest);
      }
      if (leaving) {
        // The final commit would take the recorded starts back.
        commits.commitProgressSync(ledgers);
      } else {
        commits.commitOnRevoke(ledgers, REVOKE_LIMIT);
      }
    } catch (Throwable e) {
      ownershipUncertain = true;
      failures.report("the final commit of revoked partitions failed", e);
    } finally {
      release(revoked);
    }
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    try {
      release(ownedOf(partitions));
    } catch (Throwable e) {
      ownershipUncertain = true;
      failures.report("dropping lost partitions failed", e);
    }
  }

  private List<OwnedPartition> ownedOf(Collection<TopicPartition> partitions) {
    return partitions.stream().map(owned::get).filter(Objects::nonNull).toList();
  }

  /** Drops partitions without commit: their new owner may be ahead. */
  private void release(List<OwnedPartition> partitions) {
    for (OwnedPartition owner : partitions) {
      owned.remove(owner.partition());
      intake.drop(owner.ledger());
      delays.forget(owner.partition());
      try {
        engine().revoke(owner.ledger());
      } catch (Throwable e) {
        failures.report(
            "records of " + owner.partition() + " may still be handled after its loss", e);
      }
    }
  }
}
