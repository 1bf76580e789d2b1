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
 * Commits what ledgers say, on the thread that polls. A commit that fails never disturbs the poll:
 * the next one says the same or more, or a rebalance decides anew. A commit counts as made when the
 * broker has confirmed it, and not before.
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

  /** What failed last and will go on failing until an operator changes something; or empty. */
  String lastError() {
    return lastError;
  }

  /** Says how far each partition is; does not wait. */
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

  /** Says how far each partition is, and waits; empty if the broker has confirmed all of it. */
  Optional<CommitFailure> commitProgressSync(Collection<PartitionLedger> ledgers) {
    return commit(
        commits(ledgers, PartitionLedger::isUnconfirmed, PartitionLedger::progressCommit),
        COMMIT_LIMIT);
  }

  /** Says that work begins; waits, but gives up soon: without it only the count of starts lacks. */
  void recordStarts(Collection<PartitionLedger> starting) {
    commit(commits(starting, ledger -> true, PartitionLedger::startCommit), COMMIT_LIMIT);
  }

  /**
   * Says where reading begins of partitions of which nothing was ever committed: else a group that
   * begins with what is new begins there again after a restart, past what was published meanwhile.
   */
  Optional<CommitFailure> commitInitial(Collection<PartitionLedger> begun) {
    return commit(commits(begun, ledger -> true, PartitionLedger::initialCommit), COMMIT_LIMIT);
  }

  /**
   * Says how far the partitions are that are about to leave; empty if the broker has confirmed all
   * of it.
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
      // What was not committed is delivered again; the inbox recognises it.
      decided = true;
      return Optional.of(failed(commits, e));
    } finally {
      if (!decided) {
        commits.forEach(commit -> commit.ledger().notConfirmed());
      }
    }
  }

  /**
   * A wakeup only asks the poll loop to look at its flags, and an interrupt means nothing to it.
   * Neither must cost the commit.
   */
  private void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets, Duration limit) {
    long end = time.nanoTime() + limit.toNanos();
    Duration rest = limit;
    while (true) {
      try {
        consumer.commitSync(offsets, rest);
        return;
      } catch (WakeupException | InterruptException e) {
        // The client has set the flag again.
        Thread.interrupted();
        rest = Duration.ofNanos(end - time.nanoTime());
        if (rest.isNegative() || rest.isZero()) {
          throw new TimeoutException("woken up or interrupted all the time for " + limit, e);
        }
      }
    }
  }

  /**
   * What the members before this one have committed; without a partition's entry nothing.
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
      case TRANSIENT -> log.debug("commit of {} tried again later: {}", partitions, text(failure));
      case NOT_A_MEMBER ->
          log.info("commit of {} refused, others own them now: {}", partitions, text(failure));
      case FATAL -> {
        lastError = "commit: " + text(failure);
        log.error("commit of {} fails and will go on failing: {}", partitions, text(failure));
      }
    }
    return kind;
  }

  private static String text(Exception failure) {
    return failure.toString();
  }
}
