package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.Health;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.SecureKafkaServer;
import io.commslib.testkit.servers.SecureKafkaServer.Listener;
import io.commslib.testkit.servers.TestCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The table of ACLs in docs/security.md: each task works with exactly its rows, and fails without
 * any one of them. That it fails is checked with {@code -Dcommslib.heap=full}, which {@code
 * ./verify --long} sets.
 */
final class KafkaRights {

  private static final Pattern ROW =
      Pattern.compile(
          "(?m)^\\| ([a-z]+) \\| ((?:topic|group)s? `[^`]+`) \\| ([A-Z]+) \\| (.+) \\|$");
  private static final Pattern RESOURCE = Pattern.compile("(topic|group)s? `([^`*]+)(\\*?)`");
  private static final Duration LIMIT = Duration.ofSeconds(15);
  private static final Destination ORDERS = Destination.topic("orders");
  private static final String GROUP = "shipping";
  private static final String PASSWORD = "rightspassword";
  private static final Duration DELAY = Duration.ofMillis(200);
  private static final boolean FULL = "full".equals(System.getProperty("commslib.heap"));

  /** Names of others, in place of each name in the table. */
  private static final KafkaBinding BINDING =
      KafkaBinding.topic("Orders.Created")
          .group(GROUP, "inventory-group")
          .deadLetters(GROUP, "Orders.Created.DLT")
          .redrive(GROUP, "inventory.again")
          .delay(GROUP, DELAY, "inventory.wait")
          .existing();

  private static final Map<String, String> BOUND =
      Map.of(
          "topic `orders`", "topic `Orders.Created`",
          "group `orders.shipping`", "group `inventory-group`",
          "topic `orders.shipping.dlq`", "topic `Orders.Created.DLT`",
          "topic `orders.shipping.redrive`", "topic `inventory.again`",
          "topics `orders.shipping.delay-*`", "topic `inventory.wait`",
          "topic `orders-dlt`", "topic `orders-dlt`",
          "group `orders-dlt.import.orders.shipping`", "group `orders-dlt.import.inventory-group`");

  private record Row(String task, String resource, String right, String without) {}

  private final SecureKafkaServer server;
  private final Admin admin;
  private boolean bound;
  private int run;

  KafkaRights(SecureKafkaServer server, Admin admin) {
    this.server = server;
    this.admin = admin;
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

  /** A user for each task, with its password. */
  static Map<String, String> users() {
    Map<String, String> users = new LinkedHashMap<>();
    rows().forEach(row -> users.put(row.task(), PASSWORD));
    rows().forEach(row -> users.put("bound" + row.task(), PASSWORD));
    return users;
  }

  static AclBinding binding(String user, String resource, String right) {
    Matcher parts = RESOURCE.matcher(resource);
    assertThat(parts.matches()).as(resource).isTrue();
    return new AclBinding(
        new ResourcePattern(
            parts.group(1).equals("topic") ? ResourceType.TOPIC : ResourceType.GROUP,
            parts.group(2),
            parts.group(3).isEmpty() ? PatternType.LITERAL : PatternType.PREFIXED),
        new AccessControlEntry(
            "User:" + user, "*", AclOperation.valueOf(right), AclPermissionType.ALLOW));
  }

  void grant(List<AclBinding> bindings) throws Exception {
    admin.createAcls(bindings).all().get(20, TimeUnit.SECONDS);
    // The broker applies the changes in their order.
    awaitAcl(bindings.get(bindings.size() - 1), true);
  }

  private void revoke(String user, String resource, String right) throws Exception {
    AclBinding binding = binding(user, resource, right);
    admin.deleteAcls(List.of(binding.toFilter())).all().get(20, TimeUnit.SECONDS);
    awaitAcl(binding, false);
  }

  /** The broker learns of the change a moment after the controller has stored it. */
  private void awaitAcl(AclBinding binding, boolean present) {
    AclBindingFilter filter = binding.toFilter();
    Await.until(
        "the broker knows the change of " + binding,
        LIMIT,
        () -> {
          try {
            return admin.describeAcls(filter).values().get(20, TimeUnit.SECONDS).isEmpty()
                != present;
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  KafkaTransportConfig.Builder config(String user, String password) {
    return KafkaTransportConfig.builder(server.bootstrapServers(Listener.SASL))
        .operationTimeout(Duration.ofSeconds(5))
        .publishTimeout(Duration.ofSeconds(2))
        // A resumed partition waits for the fetch of the others.
        .clientSetting("fetch.max.wait.ms", 50)
        .clientSetting("security.protocol", "SASL_SSL")
        .clientSetting("ssl.truststore.type", "PKCS12")
        .clientSetting("ssl.truststore.location", TestCertificates.shared().trustStore().toString())
        .clientSetting("ssl.truststore.password", TestCertificates.PASSWORD)
        .clientSetting("sasl.mechanism", "PLAIN")
        .clientSetting(
            "sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
                + user
                + "\" password=\""
                + password
                + "\";");
  }

  private KafkaTransport transport(String task) {
    KafkaTransportConfig.Builder config = config((bound ? "bound" : "") + task, PASSWORD);
    return KafkaTransport.create((bound ? config.bind(ORDERS, BINDING) : config).build());
  }

  private KafkaTransport own() {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(server.bootstrapServers(Listener.ADMIN));
    return KafkaTransport.create((bound ? config.bind(ORDERS, BINDING) : config).build());
  }

  /** The rows hold for the names of a binding too, in place of the library's own. */
  void checkBinding() throws Exception {
    bound = true;
    List<NewTopic> topics = new ArrayList<>();
    List<AclBinding> rights = new ArrayList<>();
    for (Row row : rows()) {
      if (!row.task().equals("declare")) {
        String resource = Objects.requireNonNull(BOUND.get(row.resource()), row.resource());
        rights.add(binding("bound" + row.task(), resource, row.right()));
        Matcher parts = RESOURCE.matcher(resource);
        assertThat(parts.matches()).isTrue();
        if (parts.group(1).equals("topic") && !parts.group(2).equals("orders-dlt")) {
          topics.add(topic(parts.group(2)));
        }
      }
    }
    grant(rights);
    admin.createTopics(topics.stream().distinct().toList()).all().get(20, TimeUnit.SECONDS);
    try (KafkaTransport own = own()) {
      own.declare(DestinationConfig.builder(ORDERS).partitions(1).group(GROUP).build());
      for (String task : List.of("publish", "consume", "operate", "import")) {
        prepare(own, task);
        run(own, task);
      }
    }
  }

  private static NewTopic topic(String name) {
    Map<String, String> settings =
        switch (name) {
          case "inventory.wait" ->
              Map.of("message.timestamp.type", "LogAppendTime", "cleanup.policy", "delete");
          case "Orders.Created.DLT" -> Map.of("cleanup.policy", "compact");
          default -> Map.of();
        };
    return new NewTopic(name, 1, (short) 1).configs(settings);
  }

  void check() throws Exception {
    List<Row> rows = rows();
    assertThat(rows.stream().map(Row::task).distinct())
        .containsExactly("declare", "publish", "consume", "operate", "import");
    grant(rows.stream().map(row -> binding(row.task(), row.resource(), row.right())).toList());
    try (KafkaTransport own = own()) {
      for (String task : rows.stream().map(Row::task).distinct().toList()) {
        prepare(own, task);
        if (FULL) {
          failsWithoutEach(own, task, rows);
        }
        run(own, task);
      }
    }
  }

  private void failsWithoutEach(KafkaTransport own, String task, List<Row> rows) throws Exception {
    for (Row row : rows.stream().filter(one -> one.task().equals(task)).toList()) {
      revoke(task, row.resource(), row.right());
      Throwable failure = catchThrowable(() -> run(own, task));
      assertThat(failure).as("%s without %s %s", task, row.right(), row.resource()).isNotNull();
      Matcher quoted = Pattern.compile("`([^`]+)`").matcher(row.without());
      if (quoted.find()) {
        assertThat(failure).hasMessageContaining(quoted.group(1));
      }
      grant(List.of(binding(task, row.resource(), row.right())));
    }
  }

  private void prepare(KafkaTransport own, String task) throws Exception {
    switch (task) {
      case "consume" -> {
        own.declare(DestinationConfig.builder(ORDERS).partitions(1).group(GROUP).build());
        own.subscriber().subscribe(subscription(), delivery -> Settlement.giveBack()).close();
      }
      case "operate" -> {
        Subscription subscription =
            own.subscriber().subscribe(subscription(), delivery -> Settlement.deadLetter("bad"));
        own.publisher()
            .publish(ORDERS, Message.builder("bad").id("operate").build())
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
        Await.until("a letter is stored", LIMIT, () -> isDead(own, "operate"));
        subscription.close();
      }
      case "import" -> {
        try (KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(
                Map.of("bootstrap.servers", server.bootstrapServers(Listener.ADMIN)),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
          Destination theirs = Destination.topic("orders-dlt");
          own.declare(DestinationConfig.builder(theirs).partitions(1).build());
          producer
              .send(new ProducerRecord<>("orders-dlt", new byte[] {1}))
              .get(20, TimeUnit.SECONDS);
        }
      }
      default -> {}
    }
  }

  private void run(KafkaTransport own, String task) throws Exception {
    run++;
    switch (task) {
      case "declare" -> declare();
      case "publish" -> publish();
      case "consume" -> consume(own);
      case "operate" -> operate();
      case "import" -> importLetters();
      default -> throw new AssertionError(task);
    }
  }

  private static SubscriptionConfig subscription() {
    return SubscriptionConfig.builder(ORDERS, GROUP)
        .unordered()
        .withoutDeadLetterBreaker()
        .retry(RetrySchedule.builder().attemptsAtOnce(1).delays(DELAY).build())
        .build();
  }

  private KafkaTransport existing(String task) {
    KafkaTransport transport = transport(task);
    try {
      transport.declare(DestinationConfig.builder(ORDERS).partitions(1).verifyOnly().build());
      return transport;
    } catch (RuntimeException e) {
      transport.close();
      throw e;
    }
  }

  private void declare() throws Exception {
    Set<String> topics = admin.listTopics().names().get(20, TimeUnit.SECONDS);
    List<String> before = topics.stream().filter(name -> name.startsWith("orders")).toList();
    admin.deleteTopics(before).all().get(20, TimeUnit.SECONDS);
    try (KafkaTransport transport = transport("declare")) {
      transport.declare(DestinationConfig.builder(ORDERS).partitions(1).group(GROUP).build());
    }
  }

  private void publish() throws Exception {
    try (KafkaTransport transport = existing("publish")) {
      transport
          .publisher()
          .publish(ORDERS, Message.builder("good").id("p" + run).build())
          .toCompletableFuture()
          .get(20, TimeUnit.SECONDS);
    }
  }

  /** Handles a message, one with a deferred retry, a dead letter, and the redriven dead letter. */
  private void consume(KafkaTransport own) throws Exception {
    Set<String> handled = ConcurrentHashMap.newKeySet();
    try (KafkaTransport transport = existing("consume")) {
      Subscription subscription =
          transport.subscriber().subscribe(subscription(), delivery -> handle(delivery, handled));
      for (String type : List.of("good", "later", "bad")) {
        own.publisher()
            .publish(ORDERS, Message.builder(type).id(type + run).build())
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
      }
      awaitHandled(handled, subscription, Set.of("good" + run, "later" + run));
      assertThat(subscription.snapshot().count(Count.DEFERRED)).as("deferred").isPositive();
      Await.until(
          "the letter is stored",
          LIMIT,
          () -> {
            failIfRefused(subscription);
            return isDead(own, "bad" + run);
          });
      own.deadLetters().redrive(ORDERS, GROUP, letter -> true);
      awaitHandled(handled, subscription, Set.of("bad" + run));
    }
  }

  /** Whether this letter is stored; earlier runs may have left theirs. */
  private static boolean isDead(KafkaTransport own, String id) {
    return own.deadLetters().list(ORDERS, GROUP, 100).stream()
        .anyMatch(letter -> letter.messageId().equals(id));
  }

  private static Settlement handle(Delivery delivery, Set<String> handled) {
    boolean fails =
        switch (delivery.message().type()) {
          case "later" -> delivery.attempt() == 1;
          case "bad" -> delivery.redriveCount() == 0;
          default -> false;
        };
    if (fails) {
      return delivery.message().type().equals("bad")
          ? Settlement.deadLetter("bad")
          : Settlement.retry();
    }
    handled.add(delivery.message().id());
    return Settlement.done();
  }

  private static void awaitHandled(
      Set<String> handled, Subscription subscription, Set<String> expected) {
    Await.until(
        expected + " are handled",
        LIMIT,
        () -> {
          failIfRefused(subscription);
          return handled.containsAll(expected);
        });
  }

  private static void failIfRefused(Subscription subscription) {
    Health health = subscription.health();
    if (health.status() != Health.Status.UP && health.reason().contains("uthoriz")) {
      throw new IllegalStateException(health.reason());
    }
  }

  /** Lists, discards and redrives. */
  private void operate() throws Exception {
    try (KafkaTransport transport = transport("operate")) {
      transport.deadLetters().list(ORDERS, GROUP, 10);
      assertThat(transport.deadLetters().redrive(ORDERS, GROUP, letter -> true)).isPositive();
    }
  }

  private void importLetters() {
    try (KafkaTransport transport = transport("import")) {
      assertThat(transport.importDeadLetters("orders-dlt", ORDERS, GROUP, 10)).isPositive();
    }
  }
}
