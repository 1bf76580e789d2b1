package io.commslib.examples.shop.cli;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.examples.neighbours.ForeignClient;
import io.commslib.examples.neighbours.ForeignProgram;
import io.commslib.examples.shop.neighbours.NeighbourDesk;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.storefront.Invoice;
import io.commslib.examples.shop.storefront.Storefront;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The programs beside the shop: a Node service that produces orders to Kafka, one that sends
 * returns to RabbitMQ, and a Python service that ships parcels. They know nothing of commslib.
 */
final class NeighbourPrograms implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration DRAIN = Duration.ofSeconds(10);
  private static final long POLL_NANOS = 50_000_000L;
  private static final JsonMapper JSON = new JsonMapper();

  private final Path folder;
  private final Map<String, String> addresses;
  private final PrintStream out;
  private final MessageTransport kafka;
  private final Lifecycle desk;
  private final List<ForeignProgram> senders = new ArrayList<>();
  private final Map<String, AtomicLong> parcels = new ConcurrentHashMap<>();
  private @Nullable ForeignProgram shipping;
  private long orders;
  private long returns;

  NeighbourPrograms(
      ShopEnvironment environment,
      Path folder,
      String kafkaAddress,
      String rabbitUri,
      PrintStream out) {
    this.folder = folder;
    this.addresses = Map.of("KAFKA_BROKERS", kafkaAddress, "RABBIT_URI", rabbitUri);
    this.out = out;
    this.kafka =
        KafkaTransport.create(
            KafkaTransportConfig.builder(kafkaAddress).runtime(environment.runtime()).build());
    this.desk = NeighbourDesk.wire(environment, kafka);
  }

  /** Throws {@link UsageException} if a client that the programs need is not installed. */
  static void requireClients() {
    for (ForeignClient client :
        List.of(ForeignClient.KAFKAJS, ForeignClient.AMQPLIB, ForeignClient.PIKA)) {
      if (!client.isInstalled()) {
        throw new UsageException(
            "--neighbours requires "
                + client
                + ", which is not installed: run bin/setup neighbours");
      }
    }
  }

  /** {@return the number of orders and returns that the programs send} */
  long sent() {
    return orders + returns;
  }

  /** Starts the desk and the programs; orders and returns among the invoices are theirs. */
  void start(List<Invoice> invoices) throws IOException {
    desk.start();
    shipping = ForeignProgram.start("shipping_service.py", addresses, this::printed);
    orders = send("order-service.js", invoices, Invoice.Kind.ORDER);
    returns = send("return-desk.js", invoices, Invoice.Kind.RETURN);
    out.println(
        "neighbours: order-service.js sends "
            + orders
            + " orders to Kafka (kafkajs), return-desk.js "
            + returns
            + " returns to RabbitMQ (amqplib), shipping_service.py takes the parcels (pika)");
  }

  private long send(String program, List<Invoice> invoices, Invoice.Kind kind) throws IOException {
    Path file = folder.resolve(program + ".jsonl");
    List<String> lines = new ArrayList<>();
    for (Invoice invoice : invoices) {
      if (invoice.kind() == kind) {
        ObjectNode content = JSON.valueToTree(Storefront.content(invoice));
        content.put("eventId", Storefront.messageId(invoice));
        lines.add(JSON.writeValueAsString(content));
      }
    }
    Files.write(file, lines);
    Map<String, String> environment = new java.util.HashMap<>(addresses);
    environment.put("FILE", file.toString());
    senders.add(ForeignProgram.start(program, environment, line -> {}));
    return lines.size();
  }

  private void printed(String line) {
    String[] words = line.split(" ");
    if (words.length == 3 && words[0].equals("shipped")) {
      parcels.computeIfAbsent(words[1], order -> new AtomicLong()).incrementAndGet();
    }
  }

  /** {@return whether the senders have ended} */
  boolean haveSentAll() {
    return senders.stream().noneMatch(ForeignProgram::isRunning);
  }

  /** Waits for the last parcels, adds its figures, and returns a description of each difference. */
  List<String> differences(Map<String, Object> figures) {
    List<String> differences = new ArrayList<>();
    for (ForeignProgram sender : senders) {
      try {
        sender.awaitEnd(LIMIT);
      } catch (IllegalStateException e) {
        differences.add(String.valueOf(e.getMessage()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    long shipped = ((Number) figures.get("shipped")).longValue();
    long end = System.nanoTime() + LIMIT.toNanos();
    while (parcels.size() < shipped
        && shipping != null
        && shipping.isRunning()
        && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(POLL_NANOS);
    }
    long taken = parcels.values().stream().mapToLong(AtomicLong::get).sum();
    figures.put("ordersFromNode", orders);
    figures.put("returnsFromNode", returns);
    figures.put("parcelsToPython", taken);
    compare(differences, "orders", orders, figures);
    compare(differences, "returns", returns, figures);
    if (taken != shipped || parcels.size() != shipped) {
      differences.add(
          "parcels of shipping_service.py: "
              + taken
              + " (expected: "
              + shipped
              + ", each once); it printed:\n"
              + (shipping == null ? "" : shipping.output()));
    }
    int unread = kafka.deadLetters().list(NeighbourDesk.ORDERS, NeighbourDesk.GROUP, 100).size();
    if (unread > 0) {
      differences.add("dead letters of the orders: " + unread + " (expected: 0)");
    }
    return differences;
  }

  private static void compare(
      List<String> differences, String name, long sent, Map<String, Object> figures) {
    if (!Long.valueOf(sent).equals(figures.get(name))) {
      differences.add(
          name + " of Node: " + figures.get(name) + " arrived (expected: " + sent + ")");
    }
  }

  @Override
  public void close() {
    senders.forEach(ForeignProgram::close);
    if (shipping != null) {
      shipping.close();
    }
    desk.drain(DRAIN);
    desk.close();
  }
}
