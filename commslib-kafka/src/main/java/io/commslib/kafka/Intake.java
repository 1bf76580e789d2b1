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

/**
 * The way of records from a poll through the ledgers to the engine. What the engine can't take now
 * waits here. Whatever is thrown on the way leaves each partition in a phase that says whether its
 * records are all in the ledger and with the engine; if not, they are read again. For the thread
 * that polls.
 */
final class Intake {

  private final Consumer<byte[], ByteBuffer> consumer;
  private final Map<TopicPartition, OwnedPartition> owned;
  private final DelayTopics delays;
  private final OffsetCommits commits;
  private final TimeSource time;

  /** Records that are in a ledger and not handed over yet, all but those being probed. */
  private List<KafkaDelivery> buffer = new ArrayList<>();

  private final Map<PartitionLedger, ArrayDeque<KafkaDelivery>> suspects = new HashMap<>();

  Intake(
      Consumer<byte[], ByteBuffer> consumer,
      Map<TopicPartition, OwnedPartition> owned,
      DelayTopics delays,
      OffsetCommits commits,
      TimeSource time) {
    this.consumer = consumer;
    this.owned = owned;
    this.delays = delays;
    this.commits = commits;
    this.time = time;
  }

  /** Whether the engine has not taken all it was offered. */
  boolean isFull() {
    return !buffer.isEmpty();
  }

  boolean hasSuspects() {
    return !suspects.isEmpty();
  }

  boolean hasSuspects(PartitionLedger ledger) {
    return suspects.containsKey(ledger);
  }

  /** Enters what a poll returned into the ledgers. */
  void receive(ConsumerRecords<byte[], ByteBuffer> records) {
    if (records.isEmpty()) {
      return;
    }
    long nowMillis = time.now().toEpochMilli();
    List<PartitionLedger> starting = new ArrayList<>();
    for (TopicPartition partition : records.partitions()) {
      OwnedPartition owner = owned.get(partition);
      // A partition that is not open is sent to the right offset before it is.
      if (owner != null && owner.isOpen()) {
        enter(owner, records.records(partition), nowMillis);
        PartitionLedger ledger = owner.ledger();
        if (ledger.isStartUnrecorded() && !ledger.isIdle()) {
          starting.add(ledger);
        }
      }
    }
    // Before any of them is handled: should one kill this process, its successor knows.
    commits.recordStarts(starting);
  }

  private void enter(
      OwnedPartition owner, List<ConsumerRecord<byte[], ByteBuffer>> records, long nowMillis) {
    PartitionLedger ledger = owner.ledger();
    // Until each of them is in the ledger and in the buffer.
    owner.markUncertain();
    for (ConsumerRecord<byte[], ByteBuffer> record : records) {
      long offset = record.offset();
      if (offset < owner.readUpTo()) {
        owner.markReplaced(offset);
        return;
      }
      boolean jumps = offset > owner.readUpTo();
      if (!delays.isDue(owner.partition(), record, nowMillis)
          || (jumps && !ledger.canTrack(offset))) {
        // It is read again when it is due; till then nothing of the topic is kept in memory.
        consumer.seek(owner.partition(), offset);
        break;
      }
      if (ledger.accepted(offset)) {
        buffer(ledger, new KafkaDelivery(ledger, record));
      }
      owner.recordRead(offset);
    }
    owner.markOpen();
  }

  private void buffer(PartitionLedger ledger, KafkaDelivery delivery) {
    if (ledger.isSuspect()) {
      suspects.computeIfAbsent(ledger, probing -> new ArrayDeque<>()).add(delivery);
    } else {
      buffer.add(delivery);
    }
  }

  /** Hands over what the engine can take. */
  void dispatch(DeliveryEngine engine) {
    if (!buffer.isEmpty()) {
      boolean done = false;
      try {
        int taken = engine.acceptWhileOpen(buffer);
        if (taken > 0) {
          buffer =
              taken == buffer.size()
                  ? new ArrayList<>()
                  : new ArrayList<>(buffer.subList(taken, buffer.size()));
        }
        done = true;
      } finally {
        if (!done) {
          // How many the engine has taken is not known. Nothing is allocated here, since there may
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

  /** One record of a suspicious partition at a time, its start noted; true when none is left. */
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

  /** Forgets what waits of a ledger. Allocates nothing. */
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
