package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.Test;

class SourceWatchTest {

  private static final Supplier<CompletionStage<?>> EXISTS =
      () -> CompletableFuture.completedStage("description");
  private static final Supplier<CompletionStage<?>> MISSING =
      () -> CompletableFuture.failedStage(new UnknownTopicOrPartitionException("planted"));

  private final VirtualTime time = VirtualTime.create();
  private final List<String> reports = new ArrayList<>();
  private Supplier<CompletionStage<?>> answer = EXISTS;
  private final SourceWatch watch =
      new SourceWatch(
          time, "t", () -> answer.get(), (kind, text) -> reports.add(kind + " " + text));

  @Test
  void aTopicThatIsMissingForLongIsReportedOnceAndSoIsItsReturn() {
    watch.start();
    answer = MISSING;
    time.advance(SourceWatch.MISSING_LIMIT);
    assertThat(watch.reason()).isEmpty();
    time.advance(Duration.ofMinutes(1));
    assertThat(watch.reason()).isEqualTo("topic t does not exist");
    answer = EXISTS;
    time.advance(SourceWatch.PERIOD);
    assertThat(watch.reason()).isEmpty();
    assertThat(reports)
        .containsExactly("STALLED topic t does not exist", "RESUMED topic t exists again");
  }

  @Test
  void aQuicklyRecreatedTopicAndAnUnrelatedFailureAreNotReported() {
    watch.start();
    answer = MISSING;
    time.advance(SourceWatch.PERIOD);
    answer = EXISTS;
    time.advance(SourceWatch.PERIOD);
    answer = () -> CompletableFuture.failedStage(new TimeoutException("planted"));
    time.advance(Duration.ofMinutes(1));
    answer =
        () -> {
          throw new IllegalStateException("planted");
        };
    time.advance(Duration.ofMinutes(1));
    answer = MISSING;
    time.advance(SourceWatch.PERIOD.plusSeconds(1));
    assertThat(reports).isEmpty();
    assertThat(watch.reason()).isEmpty();
    time.advance(Duration.ofMinutes(1));
    assertThat(reports).as("still checks").containsExactly("STALLED topic t does not exist");
  }

  @Test
  void aClosedWatchChecksAndReportsNothing() {
    watch.start();
    answer = MISSING;
    watch.close();
    time.advance(Duration.ofMinutes(1));
    assertThat(reports).isEmpty();
  }
}
