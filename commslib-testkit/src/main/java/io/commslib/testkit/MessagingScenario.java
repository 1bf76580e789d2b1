package io.commslib.testkit;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tests of an application's own handlers without a broker and without waiting: send messages, let
 * virtual time pass, await quiet, and assert the outcome. Handlers run on the calling thread,
 * inside {@link #advance} and {@link #awaitQuiet}; retries, delays and deadlines are the real
 * engine's.
 *
 * <p>Not thread-safe; for one test. A failed assertion throws {@link AssertionError}.
 *
 * <pre>{@code
 * try (MessagingScenario scenario = MessagingScenario.create()) {
 *   scenario
 *       .declare(DestinationConfig.builder(ORDERS).build())
 *       .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done())
 *       .send(ORDERS, Message.builder("order.placed").id("m-1").key("o-1").build())
 *       .awaitQuiet(Duration.ofMinutes(1))
 *       .assertDone(ORDERS, "main", "m-1");
 * }
 * }</pre>
 */
public final class MessagingScenario implements AutoCloseable {

  private static final Duration STEP = Duration.ofSeconds(1);

  /**
   * One call of a handler.
   *
   * @param message the message
   * @param attempt 1 for the first
   * @param settlement the returned settlement, or null if the handler threw
   */
  public record Call(Message message, int attempt, @Nullable Settlement settlement) {}

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build();
  private final Map<String, List<Call>> calls = new LinkedHashMap<>();
  private final List<Subscription> subscriptions = new ArrayList<>();

  private MessagingScenario() {}

  /**
   * Creates an empty scenario at 2026-01-01T00:00:00Z.
   *
   * @return new scenario; the test closes it
   */
  public static MessagingScenario create() {
    return new MessagingScenario();
  }

  /**
   * Returns the transport, for the application's own wiring.
   *
   * @return always the same one
   */
  public MessageTransport transport() {
    return transport;
  }

  /**
   * Returns the time, for the application's own wiring.
   *
   * @return always the same one
   */
  public VirtualTime time() {
    return time;
  }

  /**
   * Declares a destination.
   *
   * @param config the destination and its settings
   * @return this
   */
  public MessagingScenario declare(DestinationConfig config) {
    transport.declare(config);
    return this;
  }

  /**
   * Subscribes a handler and records its calls.
   *
   * @param config the subscription
   * @param handler under test
   * @return this
   */
  public MessagingScenario subscribe(SubscriptionConfig config, MessageHandler handler) {
    Objects.requireNonNull(handler, "handler");
    List<Call> seen =
        calls.computeIfAbsent(name(config.destination(), config.group()), key -> new ArrayList<>());
    subscriptions.add(
        transport
            .subscriber()
            .subscribe(
                config,
                handler.wrappedIn(
                    delivery -> {
                      int at = seen.size();
                      seen.add(new Call(delivery.message(), delivery.attempt(), null));
                      Settlement settlement = handler.handle(delivery);
                      seen.set(at, new Call(delivery.message(), delivery.attempt(), settlement));
                      return settlement;
                    })));
    return this;
  }

  /**
   * Publishes messages, in their order. They are handled when time moves.
   *
   * @param to a declared destination
   * @param messages the messages to publish
   * @return this
   */
  public MessagingScenario send(Destination to, Message... messages) {
    for (Message message : messages) {
      transport.publisher().publish(to, message).toCompletableFuture().join();
    }
    return this;
  }

  /**
   * Lets time pass and runs everything that becomes due.
   *
   * @param duration zero or more
   * @return this
   */
  public MessagingScenario advance(Duration duration) {
    time.advance(duration);
    return this;
  }

  /**
   * Lets time pass until nothing is in flight and nothing waits for a retry.
   *
   * @param atMost the most time that may pass
   * @return this
   * @throws AssertionError if something is still in flight or waiting then
   */
  public MessagingScenario awaitQuiet(Duration atMost) {
    time.runUntilIdle();
    for (Duration passed = Duration.ZERO; !isQuiet(); passed = passed.plus(STEP)) {
      if (passed.compareTo(atMost) >= 0) {
        throw new AssertionError(
            "not quiet after "
                + atMost
                + ": "
                + subscriptions.stream().map(Subscription::snapshot).toList());
      }
      time.advance(STEP);
    }
    return this;
  }

  private boolean isQuiet() {
    return subscriptions.stream()
        .map(Subscription::snapshot)
        .allMatch(
            snapshot -> snapshot.count(Count.IN_FLIGHT) == 0 && snapshot.count(Count.WAITING) == 0);
  }

  /**
   * Returns the calls of a group's handler, in their order.
   *
   * @param source what the group consumes
   * @param group the group
   * @return all calls so far
   */
  public List<Call> calls(Destination source, String group) {
    return List.copyOf(calls.getOrDefault(name(source, group), List.of()));
  }

  /**
   * Asserts which messages a group settled as done, in that order.
   *
   * @param source what the group consumes
   * @param group the group
   * @param ids all expected ids
   * @return this
   * @throws AssertionError if the ids or their order differ
   */
  public MessagingScenario assertDone(Destination source, String group, String... ids) {
    Set<String> done = new LinkedHashSet<>();
    for (Call call : calls(source, group)) {
      if (call.settlement() != null && call.settlement().kind() == Settlement.Kind.DONE) {
        done.add(call.message().id());
      }
    }
    return check("done by " + group + " of " + source, List.of(ids), List.copyOf(done));
  }

  /**
   * Asserts the number of calls of a group's handler for a message.
   *
   * @param source what the group consumes
   * @param group the group
   * @param id of the message
   * @param attempts the expected number
   * @return this
   * @throws AssertionError if the number differs
   */
  public MessagingScenario assertAttempts(
      Destination source, String group, String id, int attempts) {
    long called =
        calls(source, group).stream().filter(call -> call.message().id().equals(id)).count();
    return check("attempts of " + id + " by " + group, (long) attempts, called);
  }

  /**
   * Asserts which messages are in a group's dead letters, oldest first.
   *
   * @param source what the group consumes
   * @param group the group
   * @param ids all expected ids
   * @return this
   * @throws AssertionError if the ids differ
   */
  public MessagingScenario assertDeadLettered(Destination source, String group, String... ids) {
    List<String> found =
        transport.deadLetters().list(source, group, 100_000).stream()
            .map(DeadLetter::messageId)
            .toList();
    return check("dead letters of " + group + " of " + source, List.of(ids), found);
  }

  /**
   * Asserts the order of a group's first calls for the messages of a key.
   *
   * @param source what the group consumes
   * @param group the group
   * @param key of the messages
   * @param ids all expected ids, in order
   * @return this
   * @throws AssertionError if the ids or their order differ
   */
  public MessagingScenario assertOrder(
      Destination source, String group, String key, String... ids) {
    Set<String> first = new LinkedHashSet<>();
    for (Call call : calls(source, group)) {
      if (call.message().key().filter(key::equals).isPresent()) {
        first.add(call.message().id());
      }
    }
    return check("order of the key by " + group, List.of(ids), List.copyOf(first));
  }

  /**
   * Asserts that each subscription's ledger balances: every delivery is in exactly one count.
   *
   * @return this
   * @throws AssertionError with the ledger that does not balance
   */
  public MessagingScenario assertLedgersBalance() {
    for (Subscription subscription : subscriptions) {
      check("imbalance of " + subscription.snapshot(), 0L, subscription.snapshot().imbalance());
    }
    return this;
  }

  private MessagingScenario check(String what, Object expected, Object found) {
    if (!expected.equals(found)) {
      throw new AssertionError(what + ": " + found + " (expected: " + expected + ")");
    }
    return this;
  }

  private static String name(Destination source, String group) {
    return source + "/" + group;
  }

  /** Closes the subscriptions and the transport. Idempotent. */
  @Override
  public void close() {
    transport.close();
  }
}
