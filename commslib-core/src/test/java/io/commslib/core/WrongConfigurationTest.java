package io.commslib.core;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.Backoff;
import java.time.Duration;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong settings are refused when an object is built, with value and rule. */
class WrongConfigurationTest {

  private static final Destination QUEUE = Destination.queue("orders");

  static Stream<Arguments> wrongSettings() {
    SubscriptionConfig.Builder subscription = SubscriptionConfig.builder(QUEUE);
    return Stream.of(
        row("maxInFlight: -3 (expected: 1..100000)", () -> subscription.maxInFlight(-3)),
        row("workers: 0 (expected: 1..1000)", () -> subscription.workers(0)),
        row(
            "workers: 9 (expected: at most maxInFlight, 4)",
            () -> SubscriptionConfig.builder(QUEUE).workers(9).maxInFlight(4).build()),
        row(
            "maxInFlightBytes: 10 (expected: 1024..17179869184)",
            () -> subscription.maxInFlightBytes(10)),
        row(
            "handlerDeadline: PT0S (expected: PT0.01S..PT1H)",
            () -> subscription.handlerDeadline(Duration.ZERO)),
        row("maxStuckHandlers: 0 (expected: 1..1000)", () -> subscription.maxStuckHandlers(0)),
        row(
            "group: 'a b' (expected: 1..60 of A-Z a-z 0-9 _ -)",
            () -> SubscriptionConfig.builder(Destination.topic("t"), "a b")),
        row(
            "destination: topic:t (expected: a queue, or a topic with a group)",
            () -> SubscriptionConfig.builder(Destination.topic("t"))),
        row(
            "attemptsAtOnce: 0 (expected: 1..100)",
            () -> RetrySchedule.builder().attemptsAtOnce(0)),
        row(
            "delays: PT48H (expected: PT0.001S..PT24H)",
            () -> RetrySchedule.builder().delays(Duration.ofDays(2))),
        row(
            "max: PT1S (expected: PT2S..PT24H)",
            () -> Backoff.exponential(Duration.ofSeconds(2), Duration.ofSeconds(1))),
        row("delay: PT-1S (expected: PT0S..PT24H)", () -> Settlement.retry(Duration.ofSeconds(-1))),
        row(
            "destination: '.hidden' (expected: 1..150 of A-Z a-z 0-9 . _ -, not starting with a dot)",
            () -> Destination.topic(".hidden")),
        row(
            "destination: orders (expected: topic:NAME or queue:NAME)",
            () -> Destination.parse("orders")),
        row(
            "partitions: 0 (expected: 1..1000)",
            () -> DestinationConfig.builder(QUEUE).partitions(0)),
        row(
            "groups: [a, b] (expected: one group for a queue)",
            () -> DestinationConfig.builder(QUEUE).group("a").group("b").build()),
        row("type: '' (expected: 1..128 printable ASCII characters)", () -> Message.builder("")),
        row(
            "id: 'a b' (expected: 1..128 printable ASCII characters)",
            () -> Message.builder("t").id("a b")),
        row("version: 0 (expected: 1..1000000)", () -> Message.builder("t").version(0)),
        row("key: 'a?b' (expected: no control characters)", () -> Message.builder("t").key("a\nb")),
        row("key length: 0 (expected: 1..256)", () -> Message.builder("t").key("")),
        row(
            "header: 'X Y' (expected: 1..100 of a-z 0-9 . _ -)",
            () -> Message.builder("t").header("X Y", "v")),
        row(
            "header: commslib-attempt (expected: a name the library does not reserve)",
            () -> Message.builder("t").header("commslib-attempt", "9")),
        row(
            "traceparent: 'abc' (expected: 00-<32 hex>-<16 hex>-<2 hex>)",
            () -> Message.builder("t").traceparent("abc")),
        row(
            "maxBacklog: 0 (expected: 1..100000000)",
            () -> InMemoryTransport.builder().maxBacklog(0)),
        row(
            "key length: 256 (expected: 1..255)",
            () -> new RequestKey("scope", "k".repeat(256), "f")));
  }

  private static Arguments row(String message, ThrowingCallable build) {
    return arguments(message, build);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongSettings")
  void isRefusedWithValueAndRule(String message, ThrowingCallable build) {
    assertThatIllegalArgumentException().isThrownBy(build).withMessage(message);
  }
}
