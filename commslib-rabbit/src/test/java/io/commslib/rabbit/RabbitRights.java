package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.SecureRabbitServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The table of permissions in docs/security.md: each task works with exactly its rows, and fails
 * without any one of them.
 */
final class RabbitRights {

  static final String VIRTUAL_HOST = "rights";
  static final String PASSWORD = "rightspassword";

  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| ([a-z]+) \\| (configure|write|read) \\| `([^`]+)` \\| (.+) \\|$");
  private static final Duration LIMIT = Duration.ofSeconds(15);
  private static final Destination ORDERS = Destination.topic("orders");
  private static final String GROUP = "shipping";

  /** Names of others, in place of each name in the table. */
  private static final RabbitBinding BINDING =
      RabbitBinding.exchange("domain-events", "topic")
          .routingKey(Message::type)
          .queue(GROUP, "shipping-orders", "#")
          .deadLetterQueue("orders.dead")
          .redriveExchange("orders.again")
          .attemptMarkers("orders.begun");

  private static final Map<String, String> BOUND =
      Map.of(
          "orders", "domain-events",
          "orders@shipping", "shipping-orders",
          "orders@shipping@.dlq", "orders.dead",
          "orders@shipping@.begun", "orders.begun",
          "orders@shipping@.redrive", "orders.again",
          "amq.default", "amq.default");

  private record Row(String task, String permission, String name, String without) {}

  private final SecureRabbitServer server;
  private final BiFunction<String, String, RabbitTransportConfig.Builder> config;
  private boolean bound;
  private int run;

  /**
   * Creates a check.
   *
   * @param config a configuration for a user and a virtual host, with {@link #PASSWORD}
   */
  RabbitRights(
      SecureRabbitServer server, BiFunction<String, String, RabbitTransportConfig.Builder> config) {
    this.server = server;
    this.config = config;
  }

  private static List<Row> rows() {
    try {
      String page =
          Files.readString(Path.of("").toAbsolutePath().getParent().resolve("docs/security.md"));
      List<Row> rows = new ArrayList<>();
      Matcher row = ROW.matcher(page);
      while (row.find()) {
        rows.add(new Row(row.group(1), row.group(2), row.group(3), row.group(4)));
      }
      return rows;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Adds a user for each task with all of its rows, and one for each row without it. */
  static void addTo(SecureRabbitServer.Builder definitions) {
    definitions.virtualHost(VIRTUAL_HOST);
    for (String task : tasks()) {
      List<Row> rows = rows(task);
      addUser(definitions, task, rows);
      addUser(definitions, "bound-" + task, rows.stream().map(RabbitRights::bound).toList());
      for (Row without : rows) {
        List<Row> rest = rows.stream().filter(row -> row != without).toList();
        addUser(definitions, user(task, rows.indexOf(without)), rest);
      }
    }
  }

  private static Row bound(Row row) {
    String name = Objects.requireNonNull(BOUND.get(row.name()), row.name());
    return new Row(row.task(), row.permission(), name, row.without());
  }

  private static List<String> tasks() {
    return rows().stream().map(Row::task).distinct().toList();
  }

  private static List<Row> rows(String task) {
    return rows().stream().filter(row -> row.task().equals(task)).toList();
  }

  private static String user(String task, int without) {
    return task + "-without-" + without;
  }

  private static void addUser(SecureRabbitServer.Builder to, String user, List<Row> rows) {
    to.user(user, PASSWORD)
        .permissions(
            user,
            VIRTUAL_HOST,
            pattern(rows, "configure"),
            pattern(rows, "write"),
            pattern(rows, "read"));
  }

  /** As the docs state: the names of a permission, as one pattern. */
  private static String pattern(List<Row> rows, String permission) {
    return rows.stream()
        .filter(row -> row.permission().equals(permission))
        .map(row -> row.name().replace(".", "\\."))
        .collect(Collectors.joining("|", "^(", ")$"));
  }

  void check() throws Exception {
    assertThat(tasks()).containsExactly("declare", "publish", "consume", "operate");
    try (RabbitTransport own = RabbitTransport.create(server.adminUri(VIRTUAL_HOST))) {
      own.declare(DestinationConfig.builder(ORDERS).group(GROUP).build());
      for (String task : tasks()) {
        List<Row> rows = rows(task);
        for (int index = 0; index < rows.size(); index++) {
          Row row = rows.get(index);
          String user = user(task, index);
          Throwable failure = catchThrowable(() -> run(own, task, user));
          assertThat(failure)
              .as("%s without %s %s", task, row.permission(), row.name())
              .isNotNull();
          Matcher quoted = Pattern.compile("`([^`]+)`").matcher(row.without());
          if (quoted.find()) {
            assertThat(failure).hasMessageContaining(quoted.group(1));
          }
        }
        run(own, task, task);
      }
    }
  }

  /** The rows hold for the names of a binding too, in place of the library's own. */
  void checkBinding() throws Exception {
    bound = true;
    RabbitTransportConfig.Builder admin =
        RabbitTransportConfig.builder(server.adminUri(VIRTUAL_HOST)).bind(ORDERS, BINDING);
    try (RabbitTransport own = RabbitTransport.create(admin.build())) {
      own.declare(DestinationConfig.builder(ORDERS).group(GROUP).build());
      for (String task : List.of("publish", "consume", "operate")) {
        run(own, task, "bound-" + task);
      }
    }
  }

  private void run(RabbitTransport own, String task, String user) throws Exception {
    run++;
    RabbitTransportConfig.Builder settings =
        config
            .apply(user, VIRTUAL_HOST)
            .publishTimeout(Duration.ofSeconds(2))
            .operationTimeout(Duration.ofSeconds(5));
    if (bound) {
      settings.bind(ORDERS, BINDING.existing());
    }
    try (RabbitTransport transport = RabbitTransport.create(settings.build())) {
      switch (task) {
        case "declare" -> transport.declare(DestinationConfig.builder(ORDERS).group(GROUP).build());
        case "publish" -> {
          transport.declare(DestinationConfig.builder(ORDERS).verifyOnly().build());
          publish(transport, "good");
        }
        case "consume" -> consume(own, transport);
        case "operate" -> operate(own, transport);
        default -> throw new AssertionError(task);
      }
    }
  }

  private void publish(RabbitTransport transport, String type) throws Exception {
    transport
        .publisher()
        .publish(ORDERS, Message.builder(type).id(type + run).build())
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  /** Handles a message, a dead letter, and the redriven dead letter. */
  private void consume(RabbitTransport own, RabbitTransport transport) throws Exception {
    transport.declare(DestinationConfig.builder(ORDERS).verifyOnly().group(GROUP).build());
    publishSuspicious(own);
    Set<String> handled = ConcurrentHashMap.newKeySet();
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(ORDERS, GROUP).withoutDeadLetterBreaker().build(),
                delivery -> {
                  if (delivery.message().type().equals("bad") && delivery.redriveCount() == 0) {
                    return Settlement.deadLetter("bad");
                  }
                  handled.add(delivery.message().id());
                  return Settlement.done();
                });
    publish(own, "good");
    publish(own, "bad");
    await(subscription, () -> handled.contains("good" + run));
    await(subscription, () -> handled.contains("suspicious" + run));
    await(subscription, () -> isDead(own, "bad" + run));
    own.deadLetters().redrive(ORDERS, GROUP, letter -> true);
    await(subscription, () -> handled.contains("bad" + run));
  }

  /** Publishes a message and delivers it so often that its next attempt needs a marker. */
  private void publishSuspicious(RabbitTransport own) throws Exception {
    CountDownLatch delivered = new CountDownLatch(RabbitDelivery.SUSPICIOUS_DELIVERIES + 2);
    publish(own, "suspicious");
    try (RawClient raw = RawClient.connect(server.adminUri(VIRTUAL_HOST))) {
      raw.channel().basicQos(1);
      raw.channel()
          .basicConsume(
              bound ? "shipping-orders" : RabbitNames.queue(ORDERS, GROUP),
              false,
              (tag, delivery) -> {
                raw.channel().basicNack(delivery.getEnvelope().getDeliveryTag(), false, true);
                delivered.countDown();
              },
              tag -> {});
      assertThat(delivered.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }

  /** Whether the letter of this run is stored; earlier runs may have left theirs. */
  private static boolean isDead(RabbitTransport own, String id) {
    return own.deadLetters().list(ORDERS, GROUP, 100).stream()
        .anyMatch(letter -> letter.messageId().equals(id));
  }

  private static void await(Subscription subscription, BooleanSupplier condition) {
    Await.until(
        "the consumer works",
        LIMIT,
        () -> {
          Health health = subscription.health();
          if (health.status() != Health.Status.UP && health.reason().contains("refused")) {
            throw new IllegalStateException(health.reason());
          }
          return condition.getAsBoolean();
        });
  }

  private void operate(RabbitTransport own, RabbitTransport transport) throws Exception {
    try (Subscription subscription =
        own.subscriber()
            .subscribe(
                SubscriptionConfig.builder(ORDERS, GROUP).withoutDeadLetterBreaker().build(),
                delivery -> Settlement.deadLetter("bad"))) {
      publish(own, "bad");
      await(subscription, () -> isDead(own, "bad" + run));
    }
    assertThat(transport.deadLetters().list(ORDERS, GROUP, 10)).isNotEmpty();
    assertThat(transport.deadLetters().redrive(ORDERS, GROUP, letter -> true)).isPositive();
  }
}
