package io.commslib.kafka;

import io.commslib.core.CommsException;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.TimeSource;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Determines where reading of a partition begins, and moves the consumer there: to the committed
 * offset, otherwise to the start position of the subscription. Where records are identified by
 * their position, it also asks for the ids of their topics. It never guesses: if the offset can't
 * be read now, the partition is not read, and the offset is requested again later. For the poll
 * thread.
 */
final class StartPositions {

  private static final Logger log = LoggerFactory.getLogger(StartPositions.class);

  /** For all partitions of an assignment together; the loop does not poll meanwhile. */
  private static final Duration OFFSETS_LIMIT = Duration.ofSeconds(10);

  private static final long IDENTIFY_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final SubscriptionConfig subscription;
  private final SubscribedTopics topics;
  private final TopicIds ids;
  private final OffsetCommits commits;
  private final TimeSource time;
  private volatile String lastError = "";
  private long nextIdentifyNanos;

  /** The ids that were read in the current pass of the loop. */
  private final Map<String, Uuid> idsOfPass = new HashMap<>();

  StartPositions(
      Consumer<byte[], ByteBuffer> consumer,
      SubscriptionConfig subscription,
      SubscribedTopics topics,
      TopicIds ids,
      OffsetCommits commits,
      TimeSource time) {
    this.consumer = consumer;
    this.subscription = subscription;
    this.topics = topics;
    this.ids = ids;
    this.commits = commits;
    this.time = time;
    this.nextIdentifyNanos = time.nanoTime();
  }

  /** The reason why partitions are not read; empty if all are read. */
  String lastError() {
    return lastError;
  }

  /** Opens the new partitions whose start position can be read now. */
  void open(Collection<OwnedPartition> fresh) {
    if (fresh.isEmpty()) {
      lastError = "";
      return;
    }
    try {
      tryOpen(fresh);
      lastError = "";
    } catch (WakeupException e) {
      log.debug("woken up before the start position of {} was read", names(fresh));
    } catch (KafkaException | CommsException e) {
      // The client sets the interrupt flag again, which has no meaning for this thread.
      Thread.interrupted();
      String text = KafkaErrors.text(e);
      lastError = "start position is not known: " + text;
      log.warn("start position of {} is not known yet: {}", names(fresh), text);
    }
  }

  /** Begins a pass of the loop: a topic may have been recreated since the previous one. */
  void beginPass() {
    idsOfPass.clear();
  }

  /**
   * Asks for the id of the topic again, once in a pass, before the consumer is moved back. Returns
   * false if it is not known now; the partition must not be read until it is.
   */
  boolean identifyAgain(OwnedPartition partition) {
    if (!ids.areNeeded()) {
      return true;
    }
    if (time.nanoTime() - nextIdentifyNanos < 0) {
      return false;
    }
    try {
      String topic = partition.partition().topic();
      if (!idsOfPass.containsKey(topic)) {
        idsOfPass.putAll(ids.of(Set.of(topic)));
      }
      read(partition, idsOfPass);
      lastError = "";
      return true;
    } catch (KafkaException | CommsException e) {
      // The client sets the interrupt flag again, which has no meaning for this thread.
      Thread.interrupted();
      nextIdentifyNanos = time.nanoTime() + IDENTIFY_PAUSE_NANOS;
      lastError = "topic id is not known: " + KafkaErrors.text(e);
      log.warn("topic id of {} is not known yet: {}", partition.partition(), e.toString());
      return false;
    }
  }

  private void identify(Collection<OwnedPartition> partitions) {
    if (!ids.areNeeded()) {
      return;
    }
    Map<String, Uuid> known =
        ids.of(
            partitions.stream()
                .map(partition -> partition.partition().topic())
                .collect(Collectors.toSet()));
    partitions.forEach(partition -> read(partition, known));
  }

  private void read(OwnedPartition partition, Map<String, Uuid> known) {
    String topic = partition.partition().topic();
    String id = Objects.requireNonNull(known.get(topic), topic).toString();
    partition.read(topics.rules(topic).withTopicId(id));
  }

  private void tryOpen(Collection<OwnedPartition> fresh) {
    Map<TopicPartition, OffsetAndMetadata> committedOffsets = commits.previousCommits(names(fresh));
    // After the offsets: whether they can be read is reported as without ids.
    identify(fresh);
    List<OwnedPartition> fromStart = new ArrayList<>();
    List<OwnedPartition> fromEnd = new ArrayList<>();
    for (OwnedPartition partition : fresh) {
      OffsetAndMetadata committed = committedOffsets.get(partition.partition());
      if (committed != null) {
        resume(partition, committed);
      } else if (isFromTheEnd(partition.partition())) {
        fromEnd.add(partition);
      } else {
        fromStart.add(partition);
      }
    }
    if (!fromStart.isEmpty()) {
      Map<TopicPartition, Long> starts = consumer.beginningOffsets(names(fromStart), OFFSETS_LIMIT);
      for (OwnedPartition partition : fromStart) {
        begin(partition, starts);
        openAt(partition, partition.ledger().nextOffset());
      }
    }
    openFromTheEnd(fromEnd);
  }

  private void resume(OwnedPartition partition, OffsetAndMetadata committed) {
    long offset = committed.offset();
    consumer.seek(partition.partition(), committed);
    PartitionLedger ledger = new PartitionLedger(partition.partition(), time.nanoTime());
    ledger.restore(
        offset, CommitMetadata.decode(offset, committed.metadata()), subscription.maxInFlight());
    partition.open(ledger, offset);
  }

  /**
   * Commits the current end before the first record is read: a group that starts at the end must
   * start at the same offset after a crash.
   */
  private void openFromTheEnd(List<OwnedPartition> fresh) {
    List<OwnedPartition> unknown =
        fresh.stream().filter(partition -> partition.ledger().frontier() < 0).toList();
    if (!unknown.isEmpty()) {
      Map<TopicPartition, Long> ends = consumer.endOffsets(names(unknown), OFFSETS_LIMIT);
      unknown.forEach(partition -> begin(partition, ends));
    }
    if (commits.commitInitial(fresh.stream().map(OwnedPartition::ledger).toList()).isPresent()) {
      String reason = commits.lastError();
      throw new KafkaException(
          "the start position could not be committed" + (reason.isEmpty() ? "" : ", " + reason));
    }
    fresh.forEach(partition -> openAt(partition, partition.ledger().nextOffset()));
  }

  private static void begin(OwnedPartition partition, Map<TopicPartition, Long> offsets) {
    Long offset = offsets.get(partition.partition());
    if (offset == null) {
      throw new KafkaException("no offset of " + partition.partition());
    }
    partition.ledger().begin(offset);
  }

  private void openAt(OwnedPartition partition, long offset) {
    consumer.seek(partition.partition(), offset);
    partition.open(offset);
  }

  /**
   * Redrive and delay topics belong to the group and are always read from their beginning. So is a
   * partition that was added since the subscription began: all its records are newer than that.
   */
  private boolean isFromTheEnd(TopicPartition partition) {
    return !topics.role(partition.topic()).isOwn()
        && !topics.isAdded(partition)
        && subscription.startAt().filter(start -> start == StartPosition.LATEST).isPresent();
  }

  private static Set<TopicPartition> names(Collection<OwnedPartition> partitions) {
    return partitions.stream()
        .map(OwnedPartition::partition)
        .collect(Collectors.toCollection(HashSet::new));
  }
}
