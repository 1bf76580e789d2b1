package io.commslib.kafka;

import static io.commslib.kafka.OffsetScenario.FIRST;
import static io.commslib.kafka.OffsetScenario.REDRIVE;
import static io.commslib.kafka.OffsetScenario.SECOND;
import static io.commslib.kafka.OffsetScenario.SOURCE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every use that the poll loop makes of its consumer, of records, of the clock and of worker
 * threads fails once, before its effect and after it, with every kind of throwable. Whatever that
 * does: everything is handled in the end, nothing is handled twice in one assignment, and no commit
 * says that a record is finished which is not.
 */
class OffsetFaultsTest {

  private static final PrintStream LOG = System.err;

  /** Each of the thousands of failures is a log line with a stack. */
  @BeforeAll
  static void silence() {
    System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
  }

  @AfterAll
  static void logAgain() {
    System.setErr(LOG);
  }

  /** The places where a pass or the end of the loop can fail: a new one needs a row here. */
  private static final Set<String> PLACES =
      Set.of(
          "before consumer.assignment",
          "after consumer.assignment",
          "before consumer.paused",
          "after consumer.paused",
          "before consumer.pause",
          "after consumer.pause",
          "before consumer.resume",
          "after consumer.resume",
          "before consumer.poll",
          "after consumer.poll",
          "before consumer.seek",
          "after consumer.seek",
          "before consumer.position",
          "after consumer.position",
          "before consumer.committed",
          "after consumer.committed",
          "before consumer.beginningOffsets",
          "after consumer.beginningOffsets",
          "before consumer.endOffsets",
          "after consumer.endOffsets",
          "before consumer.commitSync",
          "after consumer.commitSync",
          "before consumer.commitAsync",
          "after consumer.commitAsync",
          "before consumer.close",
          "after consumer.close",
          "record.offset",
          "record.timestamp",
          "record.key",
          "time.now",
          "time.nanoTime",
          "scheduler.schedule",
          "workers.execute");

  enum Scenario {
    /** Gaps, a predecessor's note, probing, one partition revoked and one lost, both come back. */
    ORDERED {
      @Override
      OffsetScenario create(Faults faults) {
        OffsetScenario scenario =
            new OffsetScenario(
                SubscriptionConfig.builder(SOURCE, "main")
                    .startAt(StartPosition.EARLIEST)
                    .workers(2)
                    .maxInFlight(4)
                    .build(),
                faults);
        scenario.broker.partition(FIRST);
        scenario.broker.partition(SECOND);
        scenario.broker.partition(REDRIVE);
        for (long offset : List.of(0, 1, 2, 5, 6, 9, 10, 11)) {
          scenario.broker.append(FIRST, offset, 0, "k" + offset % 3);
        }
        scenario.broker.endsAt(FIRST, 13);
        for (long offset = 7; offset < 15; offset++) {
          scenario.broker.append(SECOND, offset, 0, offset % 2 == 0 ? "k" : null);
        }
        BitSet finished = new BitSet();
        finished.set(2);
        scenario.broker.commit(
            SECOND,
            new OffsetAndMetadata(
                7, new CommitMetadata(PartitionLedger.SUSPECT_AFTER_STARTS, finished).encode(7)));
        scenario.finishedBefore(SECOND, 9);
        scenario.broker.append(REDRIVE, 0, 0, null);
        Set<TopicPartition> all = Set.of(FIRST, SECOND, REDRIVE);
        scenario.before(0, run -> run.broker.assign(all));
        scenario.before(
            5,
            run -> {
              run.broker.assign(Set.of(FIRST, REDRIVE));
              run.reassigned(SECOND);
            });
        scenario.before(8, run -> run.broker.assign(all));
        scenario.before(
            12,
            run -> {
              run.broker.lose(FIRST);
              run.reassigned(FIRST);
            });
        scenario.before(
            16,
            run -> {
              for (long offset : List.of(13, 14, 17)) {
                run.broker.append(FIRST, offset, 0, "k");
              }
            });
        return scenario;
      }
    },
    /** Records that wait in a delay topic until they are due. */
    DELAYED {
      @Override
      OffsetScenario create(Faults faults) {
        OffsetScenario scenario =
            new OffsetScenario(
                SubscriptionConfig.builder(SOURCE, "main")
                    .startAt(StartPosition.EARLIEST)
                    .unordered()
                    .retry(RetrySchedule.builder().delays(Duration.ofSeconds(1)).build())
                    .build(),
                faults);
        TopicPartition delay = new TopicPartition("t.main.delay-1000", 0);
        scenario.broker.partition(FIRST);
        scenario.broker.partition(delay);
        long now = scenario.runtime.time().now().toEpochMilli();
        for (long offset : List.of(0, 1, 4, 5)) {
          scenario.broker.append(FIRST, offset, 0, "k");
          scenario.broker.append(delay, offset, now - 1_000 + offset * 200, "k");
        }
        scenario.before(0, run -> run.broker.assign(Set.of(FIRST, delay)));
        return scenario;
      }
    },
    /** A new group that starts with what is new. */
    LATEST {
      @Override
      OffsetScenario create(Faults faults) {
        OffsetScenario scenario =
            new OffsetScenario(
                SubscriptionConfig.builder(SOURCE, "main").startAt(StartPosition.LATEST).build(),
                faults);
        scenario.broker.partition(FIRST);
        scenario.broker.partition(REDRIVE);
        for (long offset = 0; offset < 5; offset++) {
          scenario.broker.append(FIRST, offset, 0, "k");
          scenario.broker.append(REDRIVE, offset, 0, "k");
        }
        scenario.startsAt(FIRST, 5);
        scenario.before(0, run -> run.broker.assign(Set.of(FIRST, REDRIVE)));
        // Where it starts is certain when subscribing returns.
        scenario.whenAssigned(
            run -> {
              for (long offset = 5; offset < 9; offset++) {
                run.broker.append(FIRST, offset, 0, "k");
              }
            });
        return scenario;
      }
    };

    abstract OffsetScenario create(Faults faults);
  }

  enum Thrown {
    RUNTIME_EXCEPTION(IllegalStateException::new, 1),
    ERROR(NoClassDefFoundError::new, 1),
    OUT_OF_MEMORY(OutOfMemoryError::new, 1),
    OUT_OF_MEMORY_SEVERAL_TIMES(OutOfMemoryError::new, 4),
    WAKEUP(name -> new WakeupException(), 1),
    INTERRUPT(InterruptException::new, 1),
    TIMEOUT(TimeoutException::new, 1);

    private final Function<String, Throwable> kind;
    private final int times;

    Thrown(Function<String, Throwable> kind, int times) {
      this.kind = kind;
      this.times = times;
    }

    Faults at(int use) {
      IntPredicate which = now -> now >= use && now < use + times;
      return Faults.at(which, kind);
    }
  }

  @Test
  void theTableListsEveryPlace() {
    Set<String> met = new TreeSet<>();
    for (Scenario scenario : Scenario.values()) {
      Faults faults = Faults.none();
      try (OffsetScenario run = scenario.create(faults)) {
        run.run();
        run.check(true);
      }
      met.addAll(faults.names());
      // One that fails shows what is only used after a failure.
      for (int use = 0; use < faults.uses(); use += 7) {
        Faults failing = Thrown.ERROR.at(use);
        try (OffsetScenario run = scenario.create(failing)) {
          run.run();
        }
        met.addAll(failing.names());
      }
    }
    assertThat(met).containsExactlyInAnyOrderElementsOf(PLACES);
  }

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void aFailureAtAnyPlaceLosesAndRepeatsNoRecordAndNoCommitIsAhead(Thrown thrown) {
    for (Scenario scenario : Scenario.values()) {
      int use = 0;
      boolean failed = true;
      while (failed) {
        Faults faults = thrown.at(use++);
        try (OffsetScenario run = scenario.create(faults)) {
          run.run();
          run.check(false);
        }
        failed = faults.failedAt() != null;
      }
      assertThat(use).as("uses of %s", scenario).isGreaterThan(100);
    }
  }
}
