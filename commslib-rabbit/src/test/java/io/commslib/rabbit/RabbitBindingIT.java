package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exchanges and queues that are named by a binding, on a real RabbitMQ. */
class RabbitBindingIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String URI = RabbitServer.shared().uri();
  private static final Map<String, Object> QUORUM = Map.of("x-queue-type", "quorum");
  private static final AtomicInteger NAMES = new AtomicInteger();

  /** Prefix of all names of a test. */
  private final String run = "binding " + NAMES.incrementAndGet() + " ü/";

  private final Destination events = Destination.topic("events");
  private final Destination tasks = Destination.queue("tasks");
  private final List<String> handled = new CopyOnWriteArrayList<>();
  private final List<RabbitTransport> transports = new ArrayList<>();
  private RawClient foreign;

  @BeforeEach
  void connect() throws Exception {
    foreign = RawClient.connect(URI);
  }

  @AfterEach
  void close() {
    transports.forEach(RabbitTransport::close);
    foreign.close();
  }

  private RabbitTransport transport(Destination destination, RabbitBinding binding) {
    RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(URI).bind(destination, binding).build());
    transports.add(transport);
    return transport;
  }

  private RabbitTransport declared(Destination destination, RabbitBinding binding) {
    RabbitTransport transport = transport(destination, binding);
    transport.declare(DestinationConfig.builder(destination).build());
    return transport;
  }

  private void queue(String name, Map<String, Object> arguments) throws Exception {
    foreign.channel().queueDeclare(name, true, false, false, arguments);
  }

  private Settlement record(String prefix, Message message) {
    handled.add(prefix + message.id());
    return message.id().startsWith("bad") ? Settlement.deadLetter("no") : Settlement.done();
  }

  private static SubscriptionConfig ordered(Destination queue) {
    return SubscriptionConfig.builder(queue).build();
  }

  private static SubscriptionConfig unordered(Destination queue) {
    return SubscriptionConfig.builder(queue).unordered().build();
  }

  private Subscription subscribe(RabbitTransport transport, SubscriptionConfig config) {
    return transport.subscriber().subscribe(config, delivery -> record("", delivery.message()));
  }

  private AbstractThrowableAssert<?, ?> refusedSubscription(
      RabbitTransport transport, SubscriptionConfig config) {
    return assertThatThrownBy(() -> subscribe(transport, config))
        .isInstanceOfSatisfying(
            CommsException.class,
            failure -> assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT));
  }

  private static void publish(RabbitTransport transport, Destination to, String type, String id) {
    transport
        .publisher()
        .publish(to, Message.builder(type).id(id).key("k").build())
        .toCompletableFuture()
        .join();
  }

  private void awaitHandled(int count) {
    Await.until(count + " handled", LIMIT, () -> handled.size() >= count);
  }

  private RabbitBinding events() {
    return RabbitBinding.exchange(run + "domain-events", "topic")
        .routingKey(Message::type)
        .queue("ship", run + "shipping", "order.*", "payment.failed")
        .queue("bill", run + "billing", "payment.*");
  }

  @Test
  void aRoutingKeyReachesThePattern() {
    RabbitTransport transport = declared(events, events());
    for (String group : List.of("ship", "bill")) {
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(events, group).build(),
              delivery -> record(group + " ", delivery.message()));
    }
    publish(transport, events, "order.created", "1");
    publish(transport, events, "payment.failed", "2");
    publish(transport, events, "payment.done", "3");
    awaitHandled(4);
    assertThat(handled).containsExactlyInAnyOrder("ship 1", "ship 2", "bill 2", "bill 3");
  }

  @Test
  void anUnroutableKeyIsNotSent() {
    RabbitTransport transport = transport(events, events());
    transport.declare(DestinationConfig.builder(events).group("ship").build());
    assertThatThrownBy(() -> publish(transport, events, "customer.created", "1"))
        .isInstanceOf(CompletionException.class)
        .cause()
        .hasMessageStartingWith(
            "COMMS-RABBIT-004: queues: none for exchange '"
                + run
                + "domain-events' and routing key 'customer.created'")
        .isInstanceOfSatisfying(
            PublishException.class,
            failure -> assertThat(failure.certainty()).isEqualTo(SendCertainty.NOT_SENT));
  }

  @Test
  void aRoutingKeyThatBreaksItsRuleIsNotSentAndPermanent() {
    RabbitTransport transport =
        declared(events, events().routingKey(message -> "x".repeat(message.bodyLength())));
    assertThatThrownBy(
            () ->
                transport
                    .publisher()
                    .publish(events, Message.builder("t").body(new byte[256]).build())
                    .toCompletableFuture()
                    .join())
        .cause()
        .hasMessageStartingWith("COMMS-RABBIT-019: routing key: xxx")
        .isInstanceOfSatisfying(
            PublishException.class,
            failure -> {
              assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT);
              assertThat(failure.certainty()).isEqualTo(SendCertainty.NOT_SENT);
            });
  }

  @Test
  void aGroupThatTheBindingDoesNotNameIsRefused() {
    RabbitTransport transport = declared(events, events());
    refusedSubscription(transport, SubscriptionConfig.builder(events, "other").build())
        .hasMessage(
            "COMMS-RABBIT-018: group: other (expected: one whose queue the binding of topic:events"
                + " names, RabbitBinding.queue)");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aForeignDeclarationOfAPlainQueueSucceeds(boolean foreignFirst) throws Exception {
    if (foreignFirst) {
      queue(run + "tasks", Map.of());
    }
    RabbitTransport transport = declared(tasks, RabbitBinding.queue(run + "tasks").plain());
    subscribe(transport, ordered(tasks));
    queue(run + "tasks", Map.of());
    publish(transport, tasks, "t", "1");
    awaitHandled(1);
    assertThat(transport.capabilities(tasks).has(Capability.REDELIVERY_COUNT)).isFalse();
    assertThat(transport.capabilities(tasks).has(Capability.DURABLE)).isTrue();
  }

  @Test
  void anOrderedSubscriptionNeverCompetes() throws Exception {
    queue(run + "tasks", Map.of());
    refusedSubscription(
            declared(tasks, RabbitBinding.existingQueue(run + "tasks", ConsumerMode.COMPETING)),
            ordered(tasks))
        .hasMessage(
            "COMMS-RABBIT-016: consumers: COMPETING on queue "
                + run
                + "tasks (expected: SINGLE_ACTIVE or EXCLUSIVE for an ordered subscription, or"
                + " unordered)");
    for (RabbitBinding binding :
        List.of(
            RabbitBinding.existingQueue(run + "tasks", ConsumerMode.SINGLE_ACTIVE).assumed(),
            RabbitBinding.queue(run + "tasks").noDeadLetters().existing())) {
      refusedSubscription(declared(tasks, binding), ordered(tasks))
          .hasMessageStartingWith("COMMS-RABBIT-017: single active consumer of queue ")
          .hasMessageContaining(": none (expected: true");
    }
    queue(run + "q", QUORUM);
    refusedSubscription(
            declared(tasks, RabbitBinding.existingQueue(run + "q", ConsumerMode.SINGLE_ACTIVE)),
            ordered(tasks))
        .hasMessageStartingWith("COMMS-RABBIT-017: single active consumer of queue ")
        .hasMessageContaining(": none (expected: true");
    assertThat(handled).isEmpty();
  }

  @Test
  void aVerifyOnlyQueueWithoutSingleActiveConsumerIsRefused() throws Exception {
    Destination found = Destination.queue("verified-" + NAMES.incrementAndGet());
    queue(found.name(), QUORUM);
    queue(RabbitNames.deadLetters(found.name()), Map.of());
    queue(RabbitNames.attemptMarkers(found.name()), Map.of());
    foreign.channel().exchangeDeclare(RabbitNames.redrive(found.name()), "fanout", true);
    RabbitTransport transport = RabbitTransport.create(URI);
    transports.add(transport);
    transport.declare(DestinationConfig.builder(found).verifyOnly().build());
    refusedSubscription(transport, ordered(found)).hasMessageStartingWith("COMMS-RABBIT-017: ");
    subscribe(transport, unordered(found));
  }

  @Test
  void anExclusiveQuorumQueueIsRefused() throws Exception {
    queue(run + "tasks", QUORUM);
    foreign.publish("", run + "tasks", RawClient.event("1", "k"));
    RabbitTransport transport =
        declared(tasks, RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE));
    refusedSubscription(transport, ordered(tasks))
        .hasMessageStartingWith("COMMS-RABBIT-017: exclusive consumer of queue " + run);
    assertThat(transport.health().status()).isEqualTo(Health.Status.UP);
    Await.until("the message is back", LIMIT, () -> foreign.count(run + "tasks") == 1);
    assertThat(handled).isEmpty();
  }

  @Test
  void aSingleActiveConsumerIsProvedWhateverTheOtherArgumentsAre() throws Exception {
    queue(
        run + "tasks",
        Map.of(
            "x-single-active-consumer",
            true,
            "x-max-priority",
            3,
            "x-message-ttl",
            60_000L,
            "x-dead-letter-exchange",
            "it's"));
    RabbitTransport transport =
        declared(tasks, RabbitBinding.existingQueue(run + "tasks", ConsumerMode.SINGLE_ACTIVE));
    subscribe(transport, ordered(tasks));
    publish(transport, tasks, "t", "1");
    awaitHandled(1);
    assertThat(transport.capabilities(tasks).has(Capability.REDELIVERY_COUNT)).isFalse();
    assertThat(transport.capabilities(tasks).has(Capability.DURABLE)).isFalse();
  }

  @Test
  void membersOfAnExclusiveQueueTakeOverInOrder() throws Exception {
    queue(run + "tasks", Map.of());
    RabbitBinding binding = RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE);
    RabbitTransport first = declared(tasks, binding);
    RabbitTransport second = declared(tasks, binding);
    Subscription active = subscribe(first, ordered(tasks));
    Subscription standBy = subscribe(second, ordered(tasks));
    assertThat(standBy.health().status()).isEqualTo(Health.Status.UP);
    assertThat(standBy.health().details().get("standBy")).contains("in exclusive use");
    for (int i = 1; i <= 100; i++) {
      publish(first, tasks, "t", Integer.toString(i));
    }
    awaitHandled(100);
    assertThat(standBy.snapshot().imbalance()).isZero();
    active.close();
    for (int i = 101; i <= 200; i++) {
      publish(first, tasks, "t", Integer.toString(i));
    }
    awaitHandled(200);
    assertThat(handled)
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, 200).mapToObj(Integer::toString).toList());
    assertThat(standBy.health().details()).doesNotContainKey("standBy");
  }

  @Test
  void competingConsumersShareAQueueAndItsDeadLettersAreRedriven() throws Exception {
    queue(run + "tasks", Map.of());
    queue(run + "tasks.dead", Map.of());
    RabbitBinding binding =
        RabbitBinding.existingQueue(run + "tasks", ConsumerMode.COMPETING)
            .deadLetterQueue(run + "tasks.dead");
    RabbitTransport first = declared(tasks, binding);
    RabbitTransport second = declared(tasks, binding);
    List<Integer> redriveCounts = new CopyOnWriteArrayList<>();
    MessageHandler handler =
        delivery -> {
          redriveCounts.add(delivery.redriveCount());
          return delivery.redriveCount() > 0 ? Settlement.done() : record("", delivery.message());
        };
    first.subscriber().subscribe(unordered(tasks), handler);
    Subscription beside = second.subscriber().subscribe(unordered(tasks), handler);
    Map<String, Object> forged = RawClient.event("forged", "k", "commslib-redrive-count", "9");
    foreign.publish("", run + "tasks", forged);
    publish(first, tasks, "t", "bad");
    for (int i = 1; i <= 20; i++) {
      publish(first, tasks, "t", Integer.toString(i));
    }
    awaitHandled(22);
    assertThat(beside.snapshot().imbalance()).isZero();
    assertThat(redriveCounts).containsOnly(0);
    Await.until("the letter", LIMIT, () -> foreign.count(run + "tasks.dead") == 1);
    List<DeadLetter> letters = first.deadLetters().list(tasks, "main", 10);
    assertThat(letters).extracting(DeadLetter::messageId).containsExactly("bad");
    assertThat(first.deadLetters().redrive(tasks, "main", letter -> true)).isEqualTo(1);
    Await.until("the redriven one", LIMIT, () -> redriveCounts.contains(1));
  }

  @Test
  void existingCreatesNothing() throws Exception {
    RabbitBinding binding =
        RabbitBinding.exchange(run + "ex", "topic")
            .routingKey(Message::type)
            .queue("g", run + "q", "order.*")
            .deadLetterQueue(run + "dead")
            .redriveExchange(run + "back")
            .attemptMarkers(run + "begun")
            .existing();
    RabbitTransport transport = transport(events, binding);
    DestinationConfig config = DestinationConfig.builder(events).group("g").build();
    List<String> missing = new ArrayList<>();
    for (String name : List.of("ex", "q", "dead", "begun", "back")) {
      assertThatThrownBy(() -> transport.declare(config))
          .hasMessageStartingWith("COMMS-RABBIT-002: ")
          .hasMessageContaining("'" + run + name + "'");
      missing.add(name);
      if (name.equals("ex") || name.equals("back")) {
        foreign.channel().exchangeDeclare(run + name, "topic", true);
      } else {
        queue(run + name, RabbitTopology.SINGLE_ACTIVE_QUEUE);
      }
    }
    foreign.channel().queueBind(run + "q", run + "ex", "order.#");
    assertThat(
            loggedBy(
                () -> {
                  transport.declare(config);
                  transport.declare(config);
                }))
        .containsOnlyOnce("not checked")
        .contains("bindings of queue " + run + "q and of its dead letters, " + run + "dead");
    subscribe(transport, SubscriptionConfig.builder(events, "g").build());
    publish(transport, events, "order.created", "1");
    awaitHandled(1);
    assertThat(transport.capabilities(events).has(Capability.REDELIVERY_COUNT)).isTrue();
  }

  private static String loggedBy(Runnable work) {
    PrintStream console = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      work.run();
    } finally {
      System.setErr(console);
    }
    return log.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aDeletedQueueStopsNoOtherSubscription() throws Exception {
    Destination others = Destination.queue("others");
    RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(URI)
                .bind(tasks, RabbitBinding.queue(run + "tasks"))
                .bind(others, RabbitBinding.queue(run + "others"))
                .build());
    transports.add(transport);
    transport.declare(DestinationConfig.builder(tasks).build());
    transport.declare(DestinationConfig.builder(others).build());
    Subscription deleted = subscribe(transport, ordered(tasks));
    Subscription other = subscribe(transport, ordered(others));
    foreign.channel().queueDelete(run + "tasks");
    Await.until(
        "the loss is known",
        LIMIT,
        () ->
            deleted.health().status() == Health.Status.DOWN
                && deleted.health().reason().contains(run + "tasks"));
    Await.until("others", LIMIT, () -> other.health().status() == Health.Status.UP);
    for (int i = 1; i <= 50; i++) {
      publish(transport, others, "t", Integer.toString(i));
    }
    awaitHandled(50);
    assertThat(other.health().status()).isEqualTo(Health.Status.UP);
    transport.declare(DestinationConfig.builder(tasks).build());
    publish(transport, tasks, "t", "again");
    awaitHandled(51);
    assertThat(handled)
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, 51).mapToObj(i -> i == 51 ? "again" : "" + i).toList());
    assertThat(deleted.health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void aMissingDeadLetterTargetIsRefusedAtSubscribe() throws Exception {
    queue(run + "tasks", Map.of());
    RabbitBinding binding = RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE);
    refusedSubscription(declared(tasks, binding.existing()), ordered(tasks))
        .hasMessage(
            "COMMS-RABBIT-018: dead letters of group main of queue:tasks: no target (expected:"
                + " RabbitBinding.deadLetterQueue or noDeadLetters)");
    RabbitTransport publishing = declared(tasks, binding.existing());
    publish(publishing, tasks, "t", "1");
    assertThatThrownBy(
            () -> declared(tasks, binding.deadLetterQueue(run + "tasks.dead").existing()))
        .hasMessageStartingWith("COMMS-RABBIT-002: ")
        .hasMessageContaining("no queue '" + run + "tasks.dead'");
    RabbitTransport created = declared(tasks, binding.deadLetterQueue(run + "tasks.dead"));
    subscribe(created, ordered(tasks));
    awaitHandled(1);
    assertThat(foreign.count(run + "tasks.dead")).isZero();
  }

  @Test
  void aSharedDeadLetterQueueKeepsTheLettersOfOthers() throws Exception {
    queue(run + "dead", QUORUM);
    Destination others = Destination.queue("others");
    RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(URI)
                .bind(tasks, RabbitBinding.queue(run + "tasks").deadLetterQueue(run + "dead"))
                .bind(others, RabbitBinding.queue(run + "others").deadLetterQueue(run + "dead"))
                .build());
    transports.add(transport);
    for (Destination destination : List.of(others, tasks)) {
      transport.declare(DestinationConfig.builder(destination).build());
      transport
          .subscriber()
          .subscribe(
              ordered(destination),
              delivery ->
                  delivery.redriveCount() > 0 ? Settlement.done() : record("", delivery.message()));
      publish(transport, destination, "t", "bad-" + destination.name());
    }
    Await.until("both letters", LIMIT, () -> foreign.count(run + "dead") == 2);
    foreign.publish("", run + "dead", RawClient.event("without-cause", "k"));
    Await.until("all letters", LIMIT, () -> foreign.count(run + "dead") == 3);
    assertThat(transport.deadLetters().list(tasks, "main", 10))
        .extracting(DeadLetter::messageId)
        .containsExactly("bad-tasks", "without-cause");
    assertThat(transport.deadLetters().redrive(tasks, "main", letter -> true)).isEqualTo(2);
    Await.until("the letter of the other", LIMIT, () -> foreign.count(run + "dead") == 1);
    assertThat(transport.deadLetters().discard(tasks, "main", letter -> true)).isZero();
    assertThat(transport.deadLetters().list(others, "main", 10))
        .extracting(DeadLetter::messageId)
        .containsExactly("bad-others");
  }

  @Test
  void aRedriveWithoutATargetIsRefusedAndLettersAreListed() throws Exception {
    queue(run + "tasks", Map.of());
    queue(run + "dead", Map.of());
    RabbitTransport transport =
        declared(
            tasks,
            RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE)
                .deadLetterQueue(run + "dead")
                .existing());
    subscribe(transport, ordered(tasks));
    publish(transport, tasks, "t", "bad");
    Await.until(
        "the letter", LIMIT, () -> transport.deadLetters().list(tasks, "main", 10).size() == 1);
    assertThatThrownBy(() -> transport.deadLetters().redrive(tasks, "main", letter -> true))
        .hasMessage(
            "COMMS-RABBIT-018: redrive to group main of queue:tasks: no target (expected:"
                + " RabbitBinding.redriveExchange)");
    assertThat(transport.deadLetters().discard(tasks, "main", letter -> true)).isEqualTo(1);
  }

  @Test
  void aDeadLetterThatItsExchangeDoesNotRoutePausesTheRouteAndNamesBoth() throws Exception {
    queue(run + "tasks", Map.of());
    queue(run + "dead", Map.of());
    foreign.channel().exchangeDeclare(run + "dlx", "direct", true);
    RabbitTransport transport =
        declared(
            tasks,
            RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE)
                .deadLetterQueue(run + "dead")
                .deadLetterExchange(run + "dlx", "tasks"));
    Subscription subscription = subscribe(transport, ordered(tasks));
    publish(transport, tasks, "t", "bad");
    Await.until(
        "health names exchange and key",
        LIMIT,
        () ->
            subscription.health().status() == Health.Status.DEGRADED
                && subscription
                    .health()
                    .reason()
                    .contains("for exchange '" + run + "dlx' and routing key 'tasks'"));
    foreign.channel().queueBind(run + "dead", run + "dlx", "tasks");
    Await.until(
        "the letter", LIMIT, () -> transport.deadLetters().list(tasks, "main", 10).size() == 1);
  }

  @Test
  void withoutDeadLettersAFailedMessageBlocksItsKeyAndNothingIsDiscarded() throws Exception {
    queue(run + "tasks", Map.of());
    RabbitTransport transport =
        declared(
            tasks,
            RabbitBinding.existingQueue(run + "tasks", ConsumerMode.EXCLUSIVE)
                .noDeadLetters()
                .existing());
    Subscription subscription = subscribe(transport, ordered(tasks));
    publish(transport, tasks, "t", "bad");
    publish(transport, tasks, "t", "behind");
    foreign.publish("", run + "tasks", RawClient.event("other", "another key"));
    Await.until("another key", LIMIT, () -> handled.contains("other"));
    assertThat(handled).doesNotContain("behind");
    Await.until(
        "health names it",
        LIMIT,
        () -> subscription.health().reason().contains("no dead letters for "));
    assertThat(transport.deadLetters().list(tasks, "main", 10)).isEmpty();
    subscription.close();
    Await.until("both are kept", LIMIT, () -> foreign.count(run + "tasks") == 2);
  }

  @Test
  void anOwnQueueOfAnyLegalNameHasFurtherArguments() throws Exception {
    String name = run + "ä".repeat(100);
    RabbitTransport transport =
        declared(
            tasks,
            RabbitBinding.queue(name)
                .arguments(Map.of("x-max-length", 7))
                .deadLetterQueue(run + "d")
                .redriveExchange(run + "r")
                .attemptMarkers(run + "b"));
    subscribe(transport, ordered(tasks));
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder().headers(RawClient.event("bad", "k")).build();
    foreign.publish("", name, properties, new byte[0]);
    Await.until(
        "the letter", LIMIT, () -> transport.deadLetters().list(tasks, "main", 10).size() == 1);
    assertThat(transport.deadLetters().redrive(tasks, "main", letter -> true)).isEqualTo(1);
    awaitHandled(2);
    assertThat(transport.capabilities(tasks).has(Capability.REDELIVERY_COUNT)).isTrue();
  }
}
