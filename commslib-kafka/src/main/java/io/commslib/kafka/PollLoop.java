package io.commslib.kafka;

import io.commslib.core.spi.DeliveryEngine;
import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.Settler;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
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
 * be ahead.
 */
final class PollLoop implements Settler, ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration POLL_BLOCKED = Duration.ofMillis(5);
  private static final Duration REVOKE_LIMIT = Duration.ofSeconds(5);
  private static final long ERROR_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Consumer<byte[], byte[]> consumer;
  private final KafkaTransportConfig config;
  private final CommsRuntime runtime;
  private final Map<TopicPartition, PartitionLedger> ledgers = new HashMap<>();
  private final ArrayDeque<ConsumerRecord<byte[], byte[]>> buffer = new ArrayDeque<>();
  private final CountDownLatch assigned = new CountDownLatch(1);
  private @Nullable DeliveryEngine engine;
  private long nextCommitNanos;
  private boolean paused;
  private volatile boolean intakeStopped;
  private volatile boolean stopped;
  private volatile String lastError = "";

  PollLoop(Consumer<byte[], byte[]> consumer, KafkaTransportConfig config, CommsRuntime runtime) {
    this.consumer = consumer;
    this.config = config;
    this.runtime = runtime;
    this.nextCommitNanos = runtime.time().nanoTime();
  }

  void attach(DeliveryEngine newEngine, List<String> topics) {
    this.engine = newEngine;
    consumer.subscribe(topics, this);
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

  void commitSoon() {
    nextCommitNanos = runtime.time().nanoTime();
  }

  void stop() {
    stopped = true;
    consumer.wakeup();
  }

  String lastError() {
    return lastError;
  }

  void run() {
    while (!stopped) {
      try {
        pass();
        lastError = "";
      } catch (WakeupException e) {
        // Somebody wants this loop to look at its flags.
        continue;
      } catch (KafkaException e) {
        lastError = e.toString();
        log.warn("poll failed, goes on: {}", e.toString());
        LockSupport.parkNanos(ERROR_PAUSE_NANOS);
      } catch (RuntimeException e) {
        lastError = e.toString();
        log.error("poll loop failed, goes on", e);
        LockSupport.parkNanos(ERROR_PAUSE_NANOS);
      }
    }
    end();
  }

  private void pass() {
    hand();
    boolean blocked = intakeStopped || !buffer.isEmpty();
    if (blocked) {
      consumer.pause(consumer.assignment());
      paused = true;
    } else if (paused) {
      consumer.resume(consumer.assignment());
      paused = false;
    }
    for (ConsumerRecord<byte[], byte[]> record :
        consumer.poll(blocked && !intakeStopped ? POLL_BLOCKED : POLL)) {
      buffer.add(record);
    }
    hand();
    if (runtime.time().nanoTime() - nextCommitNanos >= 0) {
      nextCommitNanos = runtime.time().nanoTime() + config.commitInterval().toNanos();
      commitAsync();
    }
  }

  private void hand() {
    while (!buffer.isEmpty() && !intakeStopped && engine().isIntakeOpen()) {
      ConsumerRecord<byte[], byte[]> record = buffer.poll();
      PartitionLedger ledger = ledgers.get(new TopicPartition(record.topic(), record.partition()));
      if (ledger != null) {
        ledger.accepted(record.offset());
        engine().accept(new KafkaDelivery(ledger, record));
      }
    }
  }

  private void commitAsync() {
    Map<TopicPartition, OffsetAndMetadata> offsets = dirty(ledgers.values());
    if (!offsets.isEmpty()) {
      consumer.commitAsync(
          offsets,
          (done, failure) -> {
            if (failure == null) {
              remember(done);
            } else {
              // The next interval commits the same or more; a rebalance decides anew.
              log.debug("commit failed, tried again later: {}", failure.toString());
            }
          });
    }
  }

  private void commitSync(Collection<PartitionLedger> of) {
    Map<TopicPartition, OffsetAndMetadata> offsets = dirty(of);
    if (offsets.isEmpty()) {
      return;
    }
    try {
      consumer.commitSync(offsets, REVOKE_LIMIT);
      remember(offsets);
    } catch (KafkaException e) {
      // What was not committed is delivered again; the inbox recognises it.
      log.info("last commit of {} failed: {}", offsets.keySet(), e.toString());
    }
  }

  private static Map<TopicPartition, OffsetAndMetadata> dirty(Collection<PartitionLedger> of) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (PartitionLedger ledger : of) {
      if (ledger.isDirty()) {
        offsets.put(ledger.partition(), new OffsetAndMetadata(ledger.frontier()));
      }
    }
    return offsets;
  }

  private void remember(Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.forEach(
        (partition, offset) -> {
          PartitionLedger ledger = ledgers.get(partition);
          if (ledger != null) {
            ledger.committed(offset.offset());
          }
        });
  }

  private void end() {
    try {
      commitSync(ledgers.values());
      ledgers.clear();
      consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(REVOKE_LIMIT));
    } catch (RuntimeException e) {
      log.warn("consumer did not close cleanly: {}", e.toString());
    }
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    for (TopicPartition partition : partitions) {
      ledgers.put(partition, new PartitionLedger(partition));
      // Settles where a new group begins now, not when the first record is fetched.
      consumer.position(partition);
    }
    assigned.countDown();
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    List<PartitionLedger> leaving = leaving(partitions);
    leaving.forEach(engine()::stopScope);
    long end = runtime.time().nanoTime() + REVOKE_LIMIT.toNanos();
    for (PartitionLedger ledger : leaving) {
      engine()
          .awaitScopeIdle(ledger, Duration.ofNanos(Math.max(0, end - runtime.time().nanoTime())));
    }
    commitSync(leaving);
    forget(leaving);
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    forget(leaving(partitions));
  }

  private List<PartitionLedger> leaving(Collection<TopicPartition> partitions) {
    buffer.removeIf(
        record -> partitions.contains(new TopicPartition(record.topic(), record.partition())));
    return partitions.stream().filter(ledgers::containsKey).map(ledgers::get).toList();
  }

  private void forget(List<PartitionLedger> leaving) {
    for (PartitionLedger ledger : leaving) {
      engine().revoke(ledger);
      ledgers.remove(ledger.partition());
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
