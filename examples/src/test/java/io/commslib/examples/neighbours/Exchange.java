package io.commslib.examples.neighbours;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.testkit.Await;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryOracle;
import io.commslib.testkit.history.HistoryVerdict;
import io.commslib.testkit.history.HistoryVerdict.Counter;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A thousand orders on their way from one program to another, with their history. The programs in
 * {@code examples/neighbours} send the same orders.
 */
final class Exchange {

  static final int COUNT = 1_000;
  static final int KEYS = 20;

  /** Without a time the CloudEvents SDK for JavaScript can't read an event in structured mode. */
  private static final Instant TIME = Instant.parse("2026-03-04T05:06:07.123Z");

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final JsonMapper JSON = new JsonMapper();

  private final String name;
  private final Path file;
  private final HistoryWriter history;
  private final AtomicInteger received = new AtomicInteger();

  Exchange(String name, Path folder) throws IOException {
    this.name = name;
    this.file = folder.resolve(name + ".history");
    this.history = HistoryWriter.open(file, name, name);
    forAll(HistoryOp.ATTEMPT);
  }

  /** Returns the name, which the topic or queue has too. */
  String name() {
    return name;
  }

  /** Returns what a program needs in order to send these orders. */
  Map<String, String> orders() {
    return Map.of("COUNT", "" + COUNT, "KEYS", "" + KEYS, "PREFIX", name);
  }

  /** Returns order number {@code i} as JSON. */
  String json(int i) {
    return JSON.writeValueAsString(
        Map.of("eventId", id(i), "customerId", key(i), "number", i / KEYS));
  }

  /** Returns order number {@code i} as a message. */
  Message message(int i) {
    return Message.builder("order.created")
        .id(id(i))
        .source("/order-service")
        .key(key(i))
        .time(TIME)
        .contentType("application/json")
        .body(json(i).getBytes(StandardCharsets.UTF_8))
        .build();
  }

  private String id(int i) {
    return name + "-" + i;
  }

  private static String key(int i) {
    return "customer-" + i % KEYS;
  }

  private void forAll(HistoryOp op) {
    for (int i = 0; i < COUNT; i++) {
      history.record(op, new MessageTrace(id(i), name, key(i), i / KEYS));
    }
  }

  /** Records that the broker has confirmed all orders. */
  void sent() {
    forAll(HistoryOp.ACK);
  }

  /** Records an order that a handler has received. */
  void received(Delivery delivery) {
    Message message = delivery.message();
    JsonNode order = JSON.readTree(message.body());
    assertThat(order.get("eventId").asString()).isEqualTo(message.id());
    received(message.key().orElseThrow(), order.get("number").asLong(), message.id());
  }

  /** Records an order that a program has printed; ignores its other lines. */
  void received(String line) {
    String[] words = line.split(" ");
    if (words.length == 4 && words[0].equals("received")) {
      received(words[1], Long.parseLong(words[2]), words[3]);
    }
  }

  /** Records an order that Spring has delivered. */
  void received(OrderCreated order) {
    received(order.customerId(), order.number(), order.eventId());
  }

  /** Returns all orders for Spring. */
  List<OrderCreated> springOrders() {
    return IntStream.range(0, COUNT)
        .mapToObj(i -> new OrderCreated(id(i), key(i), i / KEYS))
        .toList();
  }

  private void received(String key, long number, String id) {
    MessageTrace trace = new MessageTrace(id, name, key, number);
    history.record(HistoryOp.DELIVER, name, trace, 1);
    history.record(HistoryOp.EFFECT, name, trace, 1);
    received.incrementAndGet();
  }

  /** Waits until as many orders were received as sent, or the program that does so has ended. */
  void awaitReceived(BooleanSupplier running) {
    Await.until(
        name + ": all orders are received",
        LIMIT,
        () -> received.get() >= COUNT || !running.getAsBoolean());
    assertThat(received.get()).as("orders received").isGreaterThanOrEqualTo(COUNT);
  }

  /** Checks that each order was received once, in the order of its key. */
  void judge() throws IOException {
    history.close();
    HistoryVerdict verdict = HistoryOracle.of(List.of(name), LIMIT).judge(List.of(file));
    assertThat(verdict.isClean()).as("%s: %s", name, verdict).isTrue();
    assertThat(verdict.count(Counter.ACKNOWLEDGED)).isEqualTo(COUNT);
    assertThat(verdict.count(Counter.SEEN)).isEqualTo(COUNT);
  }
}
