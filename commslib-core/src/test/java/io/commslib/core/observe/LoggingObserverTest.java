package io.commslib.core.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.VirtualTime;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The lines that the default observer writes to the standard error stream. */
class LoggingObserverTest {

  private final PrintStream before = System.err;
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final AtomicLong nanos = new AtomicLong(5);
  private final TimeSource time =
      new TimeSource() {
        @Override
        public Instant now() {
          return Instant.EPOCH;
        }

        @Override
        public long nanoTime() {
          return nanos.get();
        }
      };

  @BeforeEach
  void listen() {
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void stopListening() {
    System.setErr(before);
  }

  private List<String> lines() {
    return Stream.of(written.toString(StandardCharsets.UTF_8).split("\n"))
        .filter(line -> line.contains("CommsObserver"))
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Trouble.Kind.class)
  void eachKindIsLoggedWithItsLevelComponentAndCause(Trouble.Kind kind) {
    new LoggingObserver(time)
        .onTrouble(
            Trouble.builder(kind, "orders")
                .destination("topic:orders")
                .group("billing")
                .message("/a m1")
                .attempt(3)
                .text("said\nso")
                .failure(new IllegalStateException("boom"))
                .build());
    boolean warns = kind != Trouble.Kind.ATTEMPT_FAILED && kind != Trouble.Kind.RESUMED;
    assertThat(lines())
        .singleElement()
        .asString()
        .contains(warns ? "WARN" : "INFO", "topic:orders", "billing", "/a m1", "attempt 3")
        .contains("said so", "boom", kind.name());
  }

  @Test
  void writesAtMostTenLinesASecondAndThenTheNumberOfOmittedLines() {
    LoggingObserver observer = new LoggingObserver(time);
    for (int i = 0; i < 1_000; i++) {
      observer.onTrouble(Trouble.builder(Trouble.Kind.DEAD_LETTERED, "p" + i + ";").build());
    }
    assertThat(lines()).hasSize(10);
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    observer.onTrouble(Trouble.builder(Trouble.Kind.DEAD_LETTERED, "next;").build());
    assertThat(lines()).hasSize(12);
    assertThat(lines().get(10)).contains("990 lines");
    assertThat(lines().get(11)).contains("next;");
  }

  @Test
  void theDefaultLogsFailedAttemptsAndDeadLettersWithoutBodies() {
    VirtualTime runtime = VirtualTime.create();
    try (MessageTransport transport = InMemoryTransport.builder().runtime(runtime).build()) {
      transport.declare(
          DestinationConfig.builder(Destination.queue("orders")).group("main").build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(Destination.queue("orders"))
                  .retry(RetrySchedule.builder().attemptsAtOnce(3).delays().build())
                  .build(),
              delivery -> {
                if (delivery.message().id().startsWith("letter")) {
                  return Settlement.deadLetter("unwanted");
                }
                throw new IllegalStateException("boom");
              });
      for (String id : List.of("letter1", "letter2", "letter3", "fails1", "fails2", "fails3")) {
        transport
            .publisher()
            .publish(
                Destination.queue("orders"),
                Message.builder("t")
                    .id(id)
                    .key(id)
                    .body("hunter2".getBytes(StandardCharsets.UTF_8))
                    .build());
      }
      runtime.advance(Duration.ofSeconds(1));
    }
    assertThat(lines()).hasSize(9).noneMatch(line -> line.contains("hunter2"));
    assertThat(lines().stream().filter(line -> line.contains("WARN")))
        .hasSize(6)
        .allMatch(line -> line.contains("DEAD_LETTERED") && line.contains("queue:orders"));
    assertThat(lines().stream().filter(line -> line.contains("INFO")))
        .hasSize(3)
        .allMatch(line -> line.contains("attempt 1") && line.contains("boom"));
  }
}
