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
 * Every call of the poll loop to its consumer, to records, to the clock and to worker threads fails
 * once, before its effect and after it, with every kind of throwable. In each case everything is
 * handled in the end, nothing is handled twice in one assignment, and no commit covers an
 * unfinished record.
 */
class OffsetFaultsTest {

  private static final PrintStream LOG = System.err;

  /** Each of the thousands of failures logs a stack trace. */
  @BeforeAll
  static void silence() {
    System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
  }

  @AfterAll
  static void logAgain() {
    System.setErr(LOG);
  }

  /** The places where a pass or the end of the loop can fail; a new one must be added here. */
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
    /**
     * Gaps, metadata of an earlier owner, a suspect partition, one revoked and one lost partition.
     */
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
    /** Deferred records that wait in a delay topic until they are due. */
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
    /** A new group that starts at the end. */
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
        // The start position is permanent when subscribing returns.
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

    Faults at(int call) {
      IntPredicate which = now -> now >= call && now < call + times;
      return Faults.at(which, kind);
    }
  }

  @Test
  void theTableListsEveryPlace() {
    Set<String> found = new TreeSet<>();
    for (Scenario scenario : Scenario.values()) {
      Faults faults = Faults.none();
      try (OffsetScenario run = scenario.create(faults)) {
        run.run();
        run.check(true);
      }
      found.addAll(faults.names());
      // A failing run reveals the calls that are only made after a failure.
      for (int call = 0; call < faults.calls(); call += 7) {
        Faults failing = Thrown.ERROR.at(call);
        try (OffsetScenario run = scenario.create(failing)) {
          run.run();
        }
        found.addAll(failing.names());
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(PLACES);
  }

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void aFailureAtAnyPlaceLosesAndRepeatsNoRecordAndNoCommitIsAhead(Thrown thrown) {
    for (Scenario scenario : Scenario.values()) {
      int call = 0;
      boolean failed = true;
      while (failed) {
        Faults faults = thrown.at(call++);
        try (OffsetScenario run = scenario.create(faults)) {
          run.run();
          run.check(false);
        }
        failed = faults.failedAt() != null;
      }
      assertThat(call).as("calls of %s", scenario).isGreaterThan(100);
    }
  }
}
