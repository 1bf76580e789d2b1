package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.time.TimeSource;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Passes records from a poll through the ledgers to the engine. Records that the engine can't
 * accept now wait in a buffer. After any exception, the phase of each partition states whether all
 * its records are in the ledger and in the engine; if not, they are read again. For the poll
 * thread.
 *
 * <p>Records of a suspect partition are isolated, as {@link PartitionLedger} describes: they wait
 * in a queue of their own and are dispatched one at a time.
 */
final class Intake {

  private final Consumer<byte[], ByteBuffer> consumer;
  private final Map<TopicPartition, OwnedPartition> owned;
  private final SubscribedTopics topics;
  private final DelayTopics delays;
  private final OffsetCommits commits;
  private final TimeSource time;
  private final FetchMemory memory;

  /** The last fetch of the current poll, and whether its records stay in it; null between polls. */
  private byte @Nullable [] fetch;

  private boolean fetchIsShared;

  /** Records that are in a ledger and not dispatched yet, except those of suspect partitions. */
  private List<KafkaDelivery> buffer = new ArrayList<>();

  /** Records of suspect partitions that are in a ledger and not dispatched yet. */
  private final Map<PartitionLedger, ArrayDeque<KafkaDelivery>> suspects = new HashMap<>();

  Intake(
      Consumer<byte[], ByteBuffer> consumer,
      Map<TopicPartition, OwnedPartition> owned,
      SubscribedTopics topics,
      OffsetCommits commits,
      TimeSource time,
      FetchMemory memory) {
    this.consumer = consumer;
    this.owned = owned;
    this.topics = topics;
    this.delays = topics.delays();
    this.commits = commits;
    this.time = time;
    this.memory = memory;
  }

  /** Whether records wait for the engine. */
  boolean isFull() {
    return !buffer.isEmpty();
  }

  boolean hasSuspects() {
    return !suspects.isEmpty();
  }

  boolean hasSuspects(PartitionLedger ledger) {
    return suspects.containsKey(ledger);
  }

  /** Records what a poll returned in the ledgers and buffers it. */
  void receive(ConsumerRecords<byte[], ByteBuffer> records) {
    if (records.isEmpty()) {
      return;
    }
    long nowMillis = time.now().toEpochMilli();
    List<PartitionLedger> starting = new ArrayList<>();
    for (TopicPartition partition : records.partitions()) {
      OwnedPartition owner = owned.get(partition);
      // A partition that is not open is repositioned before it opens.
      if (owner != null && owner.isOpen()) {
        enter(owner, records.records(partition), nowMillis);
        PartitionLedger ledger = owner.ledger();
        if (ledger.isStartUnrecorded() && !ledger.isIdle()) {
          starting.add(ledger);
        }
      }
    }
    fetch = null;
    // Before any of them is handled: if one kills this process, the next owner knows of the start.
    commits.recordStarts(starting);
  }

  private void enter(
      OwnedPartition owner, List<ConsumerRecord<byte[], ByteBuffer>> records, long nowMillis) {
    PartitionLedger ledger = owner.ledger();
    ReadingRules own = owner.rules();
    ReadingRules rules = own == null ? topics.rules(owner.partition().topic()) : own;
    // Until all of them are in the ledger and in the buffer.
    owner.markUncertain();
    for (ConsumerRecord<byte[], ByteBuffer> record : records) {
      long offset = record.offset();
      if (offset < owner.readUpTo()) {
        owner.markReplaced(offset);
        return;
      }
      boolean afterGap = offset > owner.readUpTo();
      if (!delays.isDue(owner.partition(), record, nowMillis)
          || (afterGap && !ledger.canTrack(offset))) {
        // The record is read again when it is due. Until then no record of the topic is in memory.
        consumer.seek(owner.partition(), offset);
        break;
      }
      if (ledger.accepted(offset)) {
        buffer(ledger, new KafkaDelivery(ledger, record, rules, staysInFetch(record.value())));
      }
      owner.recordRead(offset);
    }
    owner.markOpen();
  }

  /** Whether a record may stay in the array that it was received in. */
  private boolean staysInFetch(@Nullable ByteBuffer body) {
    if (body == null || !body.hasArray()) {
      return false;
    }
    if (FetchMemory.isAlone(body)) {
      return true;
    }
    byte[] array = body.array();
    if (array != fetch) {
      fetchIsShared = memory.admits(array);
      fetch = array;
    }
    return fetchIsShared;
  }

  private void buffer(PartitionLedger ledger, KafkaDelivery delivery) {
    if (ledger.isSuspect()) {
      suspects.computeIfAbsent(ledger, suspect -> new ArrayDeque<>()).add(delivery);
    } else {
      buffer.add(delivery);
    }
  }

  /** Dispatches as many records as the engine accepts. */
  void dispatch(DeliveryEngine engine) {
    if (!buffer.isEmpty()) {
      boolean done = false;
      try {
        int accepted = engine.acceptWhileOpen(buffer);
        if (accepted > 0) {
          buffer =
              accepted == buffer.size()
                  ? new ArrayList<>()
                  : new ArrayList<>(buffer.subList(accepted, buffer.size()));
        }
        done = true;
      } finally {
        if (!done) {
          // The number of accepted records is unknown. Nothing is allocated here, since there may
          // be no memory.
          for (int i = 0; i < buffer.size(); i++) {
            markUncertain(buffer.get(i).ledger());
          }
        }
      }
    }
    Iterator<Map.Entry<PartitionLedger, ArrayDeque<KafkaDelivery>>> entries =
        suspects.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<PartitionLedger, ArrayDeque<KafkaDelivery>> entry = entries.next();
      boolean done = false;
      try {
        if (dispatchSuspect(engine, entry.getKey(), entry.getValue())) {
          entries.remove();
        }
        done = true;
      } finally {
        if (!done) {
          markUncertain(entry.getKey());
        }
      }
    }
  }

  /** Dispatches the next record of a suspect partition; returns true once none is left. */
  private boolean dispatchSuspect(
      DeliveryEngine engine, PartitionLedger ledger, ArrayDeque<KafkaDelivery> waiting) {
    if (!ledger.isSuspect()) {
      buffer.addAll(waiting);
      return true;
    }
    KafkaDelivery head = waiting.peek();
    if (head != null && ledger.frontier() == head.offset() && engine.isIntakeOpen()) {
      commits.recordStarts(List.of(ledger));
      waiting.poll();
      engine.accept(head);
    }
    return waiting.isEmpty() && ledger.isIdle();
  }

  private void markUncertain(PartitionLedger ledger) {
    OwnedPartition owner = owned.get(ledger.partition());
    if (owner != null && owner.ledger() == ledger) {
      owner.markUncertain();
    }
  }

  /** Drops the waiting records of a ledger. Allocates nothing. */
  void drop(PartitionLedger ledger) {
    int kept = 0;
    for (int i = 0; i < buffer.size(); i++) {
      KafkaDelivery delivery = buffer.get(i);
      if (delivery.ledger() != ledger) {
        buffer.set(kept++, delivery);
      }
    }
    for (int last = buffer.size() - 1; last >= kept; last--) {
      buffer.remove(last);
    }
    suspects.remove(ledger);
  }
}
