package io.commslib.kafka;

import io.commslib.core.time.TimeSource;
import io.commslib.kafka.KafkaErrors.CommitFailure;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits offsets of ledgers, on the poll thread. A failed commit never disturbs the poll: the next
 * one covers the same or more, or a rebalance changes the owner. A commit counts only once the
 * broker has confirmed it. {@link PartitionLedger} describes what is committed when.
 */
final class OffsetCommits {

  private static final Logger log = LoggerFactory.getLogger(OffsetCommits.class);
  private static final Duration COMMIT_LIMIT = Duration.ofSeconds(2);
  private static final Duration READ_LIMIT = Duration.ofSeconds(5);

  private final Consumer<byte[], ByteBuffer> consumer;
  private final TimeSource time;
  private volatile String lastError = "";

  OffsetCommits(Consumer<byte[], ByteBuffer> consumer, TimeSource time) {
    this.consumer = consumer;
    this.time = time;
  }

  /** The last failure that persists until an operator intervenes; empty if there is none. */
  String lastError() {
    return lastError;
  }

  /** Commits the progress of each partition; does not wait. */
  void commitProgressAsync(Collection<PartitionLedger> ledgers) {
    List<LedgerCommit> commits =
        commits(ledgers, PartitionLedger::isDirty, PartitionLedger::progressCommit);
    if (commits.isEmpty()) {
      return;
    }
    boolean sent = false;
    try {
      consumer.commitAsync(
          offsets(commits),
          (done, failure) -> {
            if (failure == null) {
              confirmed(commits);
            } else {
              failed(commits, failure);
            }
          });
      sent = true;
    } finally {
      if (!sent) {
        commits.forEach(commit -> commit.ledger().notConfirmed());
      }
    }
  }

  /** Commits the progress of each partition and waits; empty if the broker has confirmed all. */
  Optional<CommitFailure> commitProgressSync(Collection<PartitionLedger> ledgers) {
    return commit(
        commits(ledgers, PartitionLedger::isUnconfirmed, PartitionLedger::progressCommit),
        COMMIT_LIMIT);
  }

  /**
   * Records that handling starts, and waits for a short time. After a failure only the number of
   * starts is too low.
   */
  void recordStarts(Collection<PartitionLedger> starting) {
    commit(commits(starting, ledger -> true, PartitionLedger::startCommit), COMMIT_LIMIT);
  }

  /**
   * Commits the start positions of partitions without an earlier commit. Without this commit, a
   * group that starts at the end would start at the new end after a restart and skip what was
   * published meanwhile.
   */
  Optional<CommitFailure> commitInitial(Collection<PartitionLedger> opened) {
    return commit(commits(opened, ledger -> true, PartitionLedger::initialCommit), COMMIT_LIMIT);
  }

  /**
   * Makes the final commit of partitions that this member is about to lose, and waits; empty if the
   * broker has confirmed all.
   */
  Optional<CommitFailure> commitOnRevoke(Collection<PartitionLedger> leaving, Duration limit) {
    return commit(
        commits(leaving, PartitionLedger::hasFinalCommit, PartitionLedger::finalCommit), limit);
  }

  private static List<LedgerCommit> commits(
      Collection<PartitionLedger> ledgers,
      Predicate<PartitionLedger> which,
      Function<PartitionLedger, LedgerCommit> what) {
    return ledgers.stream().filter(which).map(what).toList();
  }

  private static Map<TopicPartition, OffsetAndMetadata> offsets(List<LedgerCommit> commits) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    commits.forEach(commit -> offsets.put(commit.ledger().partition(), commit.offset()));
    return offsets;
  }

  private Optional<CommitFailure> commit(List<LedgerCommit> commits, Duration limit) {
    if (commits.isEmpty()) {
      return Optional.empty();
    }
    boolean decided = false;
    try {
      commitSync(offsets(commits), limit);
      confirmed(commits);
      decided = true;
      return Optional.empty();
    } catch (KafkaException e) {
      // What was not committed is redelivered; the inbox recognises it.
      decided = true;
      return Optional.of(failed(commits, e));
    } finally {
      if (!decided) {
        commits.forEach(commit -> commit.ledger().notConfirmed());
      }
    }
  }

  /**
   * Commits despite wakeups and interrupts: a wakeup only asks the poll loop to check its flags,
   * and an interrupt has no meaning for it.
   */
  private void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets, Duration limit) {
    long end = time.nanoTime() + limit.toNanos();
    Duration rest = limit;
    while (true) {
      try {
        consumer.commitSync(offsets, rest);
        return;
      } catch (WakeupException | InterruptException e) {
        // The client has set the interrupt flag again.
        Thread.interrupted();
        rest = Duration.ofNanos(end - time.nanoTime());
        if (rest.isNegative() || rest.isZero()) {
          throw new TimeoutException("woken up or interrupted repeatedly for " + limit, e);
        }
      }
    }
  }

  /**
   * Reads what earlier members have committed; a partition without a commit has no entry.
   *
   * @throws KafkaException if it can't be read in time
   */
  Map<TopicPartition, OffsetAndMetadata> previousCommits(Set<TopicPartition> partitions) {
    return consumer.committed(partitions, READ_LIMIT);
  }

  private void confirmed(List<LedgerCommit> commits) {
    lastError = "";
    commits.forEach(commit -> commit.confirmed(time.nanoTime()));
  }

  private CommitFailure failed(List<LedgerCommit> commits, Exception failure) {
    commits.forEach(commit -> commit.ledger().notConfirmed());
    List<TopicPartition> partitions =
        commits.stream().map(commit -> commit.ledger().partition()).toList();
    CommitFailure kind = KafkaErrors.commit(failure);
    switch (kind) {
      case TRANSIENT -> log.debug("commit of {} is retried: {}", partitions, text(failure));
      case NOT_A_MEMBER ->
          log.info(
              "commit of {} refused, another member owns them now: {}", partitions, text(failure));
      case FATAL -> {
        lastError = "commit: " + text(failure);
        log.error(
            "commit of {} fails until an operator corrects the cause: {}",
            partitions,
            text(failure));
      }
    }
    return kind;
  }

  private static String text(Exception failure) {
    return KafkaErrors.text(failure);
  }
}
