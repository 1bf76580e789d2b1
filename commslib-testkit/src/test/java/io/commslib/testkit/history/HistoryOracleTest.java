package io.commslib.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.testkit.history.HistoryVerdict.Counter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The oracle is only worth what it catches: every kind of fault is planted and must be found. */
class HistoryOracleTest {

  private static final String GROUP = "billing";

  @TempDir private Path folder;

  @Test
  void raisesNoFalseAlarmOnAHundredCleanHistories() throws IOException {
    for (long seed = 1; seed <= 100; seed++) {
      HistoryVerdict verdict = judge(new SimulatedHistory(seed).run(300));
      assertThat(verdict.isClean()).as("seed %d: %s", seed, verdict).isTrue();
      assertThat(verdict.count(Counter.ATTEMPTED)).isEqualTo(300);
      assertThat(verdict.count(Counter.REDELIVERED)).isPositive();
      assertThat(verdict.count(Counter.UNKNOWN)).isPositive();
      assertThat(verdict.count(Counter.SEEN)).isBetween(200L, 300L);
    }
  }

  @Test
  void findsOneLostOfManyMessages() throws IOException {
    SimulatedHistory history = new SimulatedHistory(7).run(250_000);
    HistoryEvent lost = history.firstCleanEffect(120_000);
    history.consumer.remove(lost);
    HistoryVerdict verdict = judge(history);
    assertThat(verdict.count(Counter.LOST)).isEqualTo(1);
    assertThat(verdict.findings()).singleElement().asString().contains(lost.message().id());
  }

  @Test
  void findsOneDuplicateEffect() throws IOException {
    assertFound(
        Counter.DUPLICATE_EFFECTS,
        history -> {
          history.consumer.add(history.firstCleanEffect(500));
          return history;
        });
  }

  @Test
  void findsTwoSwappedMessagesOfAKey() throws IOException {
    assertFound(
        Counter.REORDERED,
        history -> {
          HistoryEvent first = history.firstCleanEffect(500);
          HistoryEvent second = history.nextCleanEffectOfKey(first);
          int one = history.consumer.indexOf(first);
          int two = history.consumer.indexOf(second);
          history.consumer.set(one, second);
          history.consumer.set(two, first);
          return history;
        });
  }

  @Test
  void findsAnEffectWithAnotherKey() throws IOException {
    assertFound(
        Counter.UNEXPECTED,
        history -> {
          HistoryEvent event = history.firstCleanEffect(500);
          MessageTrace right = event.message();
          MessageTrace wrong =
              new MessageTrace(right.id(), right.writer(), right.key() + "x", right.seq());
          history.consumer.add(SimulatedHistory.with(event, wrong));
          return history;
        });
  }

  @Test
  void findsAnEffectWithoutAttempt() throws IOException {
    assertFound(
        Counter.UNEXPECTED,
        history -> {
          MessageTrace ghost = new MessageTrace("ghost", "w", "k", 1);
          history.consumer.add(SimulatedHistory.with(history.firstCleanEffect(500), ghost));
          return history;
        });
  }

  @Test
  void findsAnEffectOfAFailedPublish() throws IOException {
    assertFound(
        Counter.UNEXPECTED,
        history -> {
          MessageTrace failed = new MessageTrace("failed", "w", "k", 1);
          history.producer.add(new HistoryEvent(HistoryOp.ATTEMPT, 0, failed, "", 0));
          history.producer.add(new HistoryEvent(HistoryOp.FAIL, 0, failed, "", 0));
          history.consumer.add(SimulatedHistory.with(history.firstCleanEffect(500), failed));
          return history;
        });
  }

  @Test
  void findsALostDeadLetter() throws IOException {
    assertFound(
        Counter.LOST,
        history -> {
          HistoryEvent parked =
              history.consumer.stream()
                  .filter(event -> event.op() == HistoryOp.PARK)
                  .filter(history::neverEffected)
                  .findFirst()
                  .orElseThrow();
          history.consumer.remove(parked);
          return history;
        });
  }

  @Test
  void findsAStalledConsumer() throws IOException {
    assertFound(
        Counter.STUCK,
        history -> {
          int from = history.consumer.indexOf(history.firstCleanEffect(500));
          for (int i = from; i < history.consumer.size(); i++) {
            history.consumer.set(i, SimulatedHistory.later(history.consumer.get(i), 60_000));
          }
          return history;
        });
  }

  @Test
  void requiresAnEffectFromEveryConsumer() throws IOException {
    SimulatedHistory history = new SimulatedHistory(3).run(50);
    List<Path> files = history.write(folder);
    HistoryVerdict verdict =
        HistoryOracle.of(List.of(GROUP, "shipping"), Duration.ofSeconds(30)).judge(files);
    assertThat(verdict.count(Counter.LOST)).isEqualTo(verdict.count(Counter.ACKNOWLEDGED));
  }

  @Test
  void ignoresALastLineCutShortAndRefusesABrokenOneBeforeIt() throws IOException {
    List<Path> files = new SimulatedHistory(3).run(50).write(folder);
    Files.writeString(files.get(1), "{\"run\":\"r\",\"op\":\"eff", StandardOpenOption.APPEND);
    assertThat(oracle().judge(files).isClean()).isTrue();
    Files.writeString(files.get(1), "\n{\"op\":\"ack\"}\n", StandardOpenOption.APPEND);
    assertThatThrownBy(() -> oracle().judge(files))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("broken at column");
  }

  @Test
  void writesAndReadsBackAnyText() throws IOException {
    Path file = folder.resolve("odd.jsonl");
    MessageTrace odd = new MessageTrace("a\"b", "w\\1", "k\n\u0001\u65e5\uD83D\uDE00", -3);
    try (HistoryWriter writer = HistoryWriter.open(file, "run \"1\"", "p")) {
      writer.record(HistoryOp.ATTEMPT, odd);
      writer.record(HistoryOp.ACK, odd);
      writer.record(HistoryOp.DELIVER, GROUP, odd, 1);
      writer.record(HistoryOp.EFFECT, GROUP, odd, 1);
    }
    HistoryVerdict verdict = oracle().judge(List.of(file));
    assertThat(verdict.isClean()).as("%s", verdict).isTrue();
    assertThat(verdict.count(Counter.SEEN)).isEqualTo(1);
    assertThat(HistoryEvent.parse(Files.readAllLines(file).get(3)).message()).isEqualTo(odd);
  }

  private void assertFound(Counter counter, UnaryOperator<SimulatedHistory> fault)
      throws IOException {
    for (long seed = 1; seed <= 5; seed++) {
      HistoryVerdict verdict = judge(fault.apply(new SimulatedHistory(seed).run(1_000)));
      assertThat(verdict.count(counter)).as("seed %d: %s", seed, verdict).isEqualTo(1);
      for (Counter other : Counter.values()) {
        if (other.compareTo(Counter.LOST) >= 0 && other != counter) {
          assertThat(verdict.count(other)).as("seed %d: %s", seed, verdict).isZero();
        }
      }
    }
  }

  private HistoryVerdict judge(SimulatedHistory history) throws IOException {
    List<Path> files = new ArrayList<>(history.write(folder));
    return oracle().judge(files);
  }

  private static HistoryOracle oracle() {
    return HistoryOracle.of(List.of(GROUP), Duration.ofSeconds(30));
  }
}
