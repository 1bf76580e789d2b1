package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The behaviour of every transport on bad input: nothing is lost, blocked or repeated endlessly.
 * Each row of the catalogue is published raw; its records must reach the dead letters or the
 * handler as the row requires, and the next message must be handled within a second. Tests of
 * adapters extend it.
 */
public abstract class BadInputContract extends ContractFixture {

  private static final Duration NEXT_WITHIN = Duration.ofSeconds(1);
  private static final int TRIES = 3;

  /** Creates the contract. */
  protected BadInputContract() {}

  @Override
  protected abstract BadInputHarness createHarness(CommsObserver observer) throws Exception;

  private TypeRegistry types() {
    return TypeRegistry.builder(((BadInputHarness) harness).jsonCodec())
        .register(BadInput.TYPE, BadInput.Order.class)
        .build();
  }

  @TestFactory
  @DisplayName("Bad input goes where the catalogue says, and the next message is handled")
  Stream<DynamicTest> badInput() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.answering(typed(delivery -> Settlement.done()));
    Subscription subscription = subscribe(config(queue), handled);
    String prefix = ((BadInputHarness) harness).attributePrefix();
    return BadInput.catalogue(prefix).stream()
        .map(
            row ->
                DynamicTest.dynamicTest(
                    row.name(), () -> check(row, queue, subscription, handled)));
  }

  private void check(
      BadInput.Row row, Destination queue, Subscription subscription, RecordingHandler handled)
      throws Exception {
    awaitNothingUnderWay(subscription);
    SubscriptionSnapshot before = subscription.snapshot();
    for (RawRecord record : row.records()) {
      ((BadInputHarness) harness).publishRecord(queue, record);
    }
    int count = row.records().size();
    await(
        row.name() + " is settled",
        () -> settled(subscription.snapshot()) - settled(before) == count);
    SubscriptionSnapshot after = subscription.snapshot();
    long dead = after.count(Count.DEAD_LETTERED) - before.count(Count.DEAD_LETTERED);
    switch (row.outcome()) {
      case DEAD_LETTERED -> assertThat(dead).as("dead letters of %s", row.name()).isEqualTo(count);
      case HANDLED -> assertThat(dead).as("dead letters of %s", row.name()).isZero();
      case EITHER -> {}
    }
    assertThat(handled.seen())
        .allSatisfy(
            seen -> {
              assertThat(seen.attempt()).as("attempt of %s", seen.message().id()).isEqualTo(1);
              assertThat(seen.message().headers().values())
                  .noneMatch(value -> value.contains("\r") || value.contains("\n"));
            });
    assertNextIsHandledInTime(row, queue, handled);
  }

  private void awaitNothingUnderWay(Subscription subscription) {
    await(
        "nothing in flight",
        () -> {
          SubscriptionSnapshot now = subscription.snapshot();
          return now.count(Count.IN_FLIGHT) == 0 && now.count(Count.WAITING) == 0;
        });
  }

  private static long settled(SubscriptionSnapshot snapshot) {
    return snapshot.count(Count.DONE) + snapshot.count(Count.DEAD_LETTERED);
  }

  private void assertNextIsHandledInTime(
      BadInput.Row row, Destination queue, RecordingHandler handled) {
    for (int attempt = 1; attempt <= TRIES; attempt++) {
      String id = "next-" + freshName();
      Message next =
          types().message(new BadInput.Order("n", BigDecimal.ONE)).id(id).key("k").build();
      long start = System.nanoTime();
      publish(queue, next);
      await("the message after " + row.name(), () -> handled.ids().contains(id));
      if (Duration.ofNanos(System.nanoTime() - start).compareTo(NEXT_WITHIN) < 0) {
        return;
      }
    }
    throw new AssertionError(
        "the message after " + row.name() + " took over " + NEXT_WITHIN + ", " + TRIES + " times");
  }

  private MessageHandler typed(MessageHandler handler) {
    return TypedHandler.builder(types())
        .on(BadInput.Order.class, (order, delivery) -> handler.handle(delivery))
        .build();
  }

  @Test
  @DisplayName("A dead letter of a huge record stays within the limits of its headers")
  void deadLettersStaySmall() throws Exception {
    Destination queue = queue();
    Subscription subscription =
        subscribe(
            config(queue),
            delivery -> {
              throw new IllegalStateException("x".repeat(5_000_000));
            });
    publish(queue, message("m1"));
    awaitCount(subscription, Count.DEAD_LETTERED, 1);
    DeadLetter letter = deadLetters(queue, "main").get(0);
    int chars = letter.cause().values().stream().mapToInt(String::length).sum();
    assertThat(chars).as("characters of the cause").isLessThan(16 * 1024);
  }

  @Test
  @DisplayName(
      "Whatever a handler throws or returns is a failed attempt, and other messages continue")
  void handlersThatMisbehaveFailTheirAttemptOnly() {
    Destination queue = queue();
    List<MessageHandler> bad =
        List.of(
            delivery -> {
              throw new AssertionError("an error");
            },
            delivery -> recurse(delivery, 0),
            delivery -> {
              throw cyclic();
            },
            delivery -> {
              throw new SilentException();
            },
            delivery -> nothing(),
            delivery -> {
              Thread.currentThread().interrupt();
              throw new IllegalStateException("interrupted itself");
            });
    RecordingHandler handled =
        RecordingHandler.answering(
            delivery -> {
              String id = delivery.message().id();
              return id.startsWith("bad-")
                  ? bad.get(Integer.parseInt(id.substring(4))).handle(delivery)
                  : Settlement.done();
            });
    Subscription subscription = subscribe(config(queue), handled);
    for (int i = 0; i < bad.size(); i++) {
      publish(queue, message("bad-" + i, "k"));
      publish(queue, message("good-" + i, "k"));
    }
    awaitCount(subscription, Count.DONE, bad.size());
    awaitDeadLetters(queue, "main", bad.size());
    for (int i = 0; i < bad.size(); i++) {
      assertThat(handled.attempts("bad-" + i)).as("attempts of bad-%d", i).containsExactly(1, 2, 3);
    }
  }

  private static Settlement recurse(Delivery delivery, int depth) {
    return depth < 0 ? Settlement.done() : recurse(delivery, depth + 1);
  }

  @SuppressWarnings({"NullAway", "DataFlowIssue"})
  private static Settlement nothing() {
    return null;
  }

  private static Exception cyclic() {
    Exception outer = new IllegalStateException("outer");
    Exception inner = new IllegalArgumentException("inner", outer);
    outer.initCause(inner);
    return outer;
  }

  /** An exception whose methods fail. */
  private static final class SilentException extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("no message");
    }
  }
}
