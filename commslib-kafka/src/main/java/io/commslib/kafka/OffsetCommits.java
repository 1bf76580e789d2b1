package io.commslib.kafka;

import io.commslib.core.time.TimeSource;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits what ledgers say, on the thread that polls. A commit that fails never disturbs the poll:
 * the next one says the same or more, or a rebalance decides anew.
 */
final class OffsetCommits {

  private static final Logger log = LoggerFactory.getLogger(OffsetCommits.class);
  private static final Duration START_LIMIT = Duration.ofSeconds(2);
  private static final Duration READ_LIMIT = Duration.ofSeconds(5);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final TimeSource time;
  private final Map<TopicPartition, PartitionLedger> ledgers;
  private volatile String lastError = "";

  OffsetCommits(
      Consumer<byte[], ByteBuffer> consumer,
      TimeSource time,
      Map<TopicPartition, PartitionLedger> ledgers) {
    this.consumer = consumer;
    this.time = time;
    this.ledgers = ledgers;
  }

  /** What failed last and needs somebody to look at it; empty while all is well. */
  String lastError() {
    return lastError;
  }

  /** Says how far each partition is; does not wait. */
  void progress() {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (PartitionLedger ledger : ledgers.values()) {
      if (ledger.isDirty()) {
        offsets.put(ledger.partition(), ledger.progress());
      }
    }
    if (!offsets.isEmpty()) {
      consumer.commitAsync(
          offsets,
          (done, failure) -> {
            if (failure == null) {
              remember(offsets);
            } else {
              failed(offsets.keySet(), failure);
            }
          });
    }
  }

  /** Says that work begins; waits, but gives up soon: without it only the count of starts lacks. */
  void starts(Collection<PartitionLedger> starting) {
    commit(starting, PartitionLedger::startNote, START_LIMIT);
  }

  /**
   * Says where reading begins of partitions of which nothing was ever committed: else a group that
   * begins with what is new begins there again after a restart, past what came meanwhile.
   */
  void bases(Collection<PartitionLedger> begun) {
    commit(begun, PartitionLedger::farewell, START_LIMIT);
  }

  /** Says how far the partitions are that are about to leave. */
  void farewell(Collection<PartitionLedger> leaving, Duration limit) {
    List<PartitionLedger> known =
        leaving.stream().filter(ledger -> ledger.frontier() >= 0).toList();
    commit(known, PartitionLedger::farewell, limit);
  }

  private void commit(
      Collection<PartitionLedger> of,
      Function<PartitionLedger, OffsetAndMetadata> what,
      Duration limit) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    of.forEach(ledger -> offsets.put(ledger.partition(), what.apply(ledger)));
    if (offsets.isEmpty()) {
      return;
    }
    try {
      commitSync(offsets, limit);
      remember(offsets);
    } catch (KafkaException e) {
      // What was not committed is delivered again; the inbox recognises it.
      failed(offsets.keySet(), e);
    }
  }

  /**
   * A wakeup that asks the poll loop to end strikes whatever waits next, and only once. It must not
   * cost the commit; the loop sees its flag anyway.
   */
  private void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets, Duration limit) {
    try {
      consumer.commitSync(offsets, limit);
    } catch (WakeupException e) {
      consumer.commitSync(offsets, limit);
    }
  }

  /** What the members before this one have committed; nothing if that can't be read in time. */
  Map<TopicPartition, OffsetAndMetadata> ofPredecessors(Collection<TopicPartition> partitions) {
    if (partitions.isEmpty()) {
      return Map.of();
    }
    try {
      return consumer.committed(Set.copyOf(partitions), READ_LIMIT);
    } catch (KafkaException e) {
      log.warn("finished work beyond the offsets is not known and is done again: {}", e.toString());
      return Map.of();
    }
  }

  private void remember(Map<TopicPartition, OffsetAndMetadata> offsets) {
    lastError = "";
    offsets.forEach(
        (partition, offset) -> {
          PartitionLedger ledger = ledgers.get(partition);
          if (ledger != null) {
            ledger.committed(offset.offset(), time.nanoTime());
          }
        });
  }

  private void failed(Set<TopicPartition> partitions, Exception failure) {
    partitions.forEach(
        partition -> {
          PartitionLedger ledger = ledgers.get(partition);
          if (ledger != null) {
            ledger.notCommitted();
          }
        });
    switch (KafkaErrors.commit(failure)) {
      case PASSING -> log.debug("commit of {} tried again later: {}", partitions, text(failure));
      case NOT_A_MEMBER ->
          log.info("commit of {} refused, others own them now: {}", partitions, text(failure));
      case NEEDS_SOMEBODY -> {
        lastError = "commit: " + text(failure);
        log.error("commit of {} fails and will go on failing: {}", partitions, text(failure));
      }
    }
  }

  private static String text(Exception failure) {
    return failure.toString();
  }
}
