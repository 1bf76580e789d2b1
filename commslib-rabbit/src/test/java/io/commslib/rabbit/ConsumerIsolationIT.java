package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Command;
import com.rabbitmq.client.TrafficListener;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.RabbitServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The trouble of one queue is that of its subscription only, and its health names the queue. */
class ConsumerIsolationIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String URI_OF_THE_BROKER = RabbitServer.shared().uri();
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  private final String run = "isolated-" + NUMBERS.incrementAndGet() + "-";
  private final Destination troubled = Destination.queue(run + "troubled");
  private final Destination other = Destination.queue(run + "other");
  private final List<String> handled = new CopyOnWriteArrayList<>();
  private final RetryRuntime runtime = new RetryRuntime();
  private final Traffic traffic = new Traffic();
  private RawClient foreign;
  private RabbitTransport transport;

  /** Counts connections, and calls back when the transport consumes. */
  private static final class Traffic implements TrafficListener {
    final AtomicInteger connections = new AtomicInteger();
    volatile Runnable onConsume = () -> {};

    @Override
    public void write(Command command) {
      if (command.getMethod() instanceof AMQP.Connection.Open) {
        connections.incrementAndGet();
      } else if (command.getMethod() instanceof AMQP.Basic.Consume) {
        onConsume.run();
      }
    }

    @Override
    public void read(Command command) {}
  }

  @BeforeEach
  void connect() throws Exception {
    foreign = RawClient.connect(URI_OF_THE_BROKER);
    transport = RabbitTransport.create(config(URI_OF_THE_BROKER).build());
  }

  @AfterEach
  void close() {
    transport.close();
    foreign.close();
    runtime.close();
  }

  private RabbitTransportConfig.Builder config(String uri) {
    return RabbitTransportConfig.builder(uri)
        .runtime(runtime)
        .observer(CommsObserver.none())
        .nativeSettings(factory -> factory.setTrafficListener(traffic));
  }

  private Subscription subscribe(RabbitTransport on, Destination queue) {
    on.declare(DestinationConfig.builder(queue).build());
    return on.subscriber()
        .subscribe(
            SubscriptionConfig.builder(queue).build(),
            delivery -> {
              handled.add(delivery.message().id());
              return Settlement.done();
            });
  }

  private void publish(Destination to, String id) {
    transport
        .publisher()
        .publish(to, Message.builder("t").id(id).key("k").build())
        .toCompletableFuture()
        .join();
  }

  private void awaitHandled(String id) {
    Await.until(id + " is handled", LIMIT, () -> handled.contains(id));
  }

  private static void awaitUp(Subscription subscription) {
    Await.until("up", LIMIT, () -> subscription.health().status() == Health.Status.UP);
  }

  @Test
  void anOwnQueueThatIsDeletedIsDeclaredAgainAndDisturbsNoOther() throws Exception {
    Subscription deleted = subscribe(transport, troubled);
    Subscription beside = subscribe(transport, other);
    for (int i = 1; i <= 3; i++) {
      foreign.channel().queueDelete(troubled.name());
      String id = "again" + i;
      Await.until("published", LIMIT, () -> isPublished(troubled, id));
      awaitHandled(id);
      awaitUp(deleted);
      publish(other, "beside" + i);
      awaitHandled("beside" + i);
      assertThat(beside.health().status()).isEqualTo(Health.Status.UP);
    }
    assertThat(traffic.connections).as("one to publish, one to consume").hasValue(2);
  }

  private boolean isPublished(Destination to, String id) {
    try {
      publish(to, id);
      return true;
    } catch (CompletionException e) {
      return false;
    }
  }

  @Test
  void aForeignQueueThatIsDeletedIsNamedByHealthUntilItsOwnerDeclaresIt() throws Exception {
    String name = run + "foreign";
    foreign.channel().queueDeclare(name, true, false, false, Map.of());
    Destination bound = Destination.queue("bound");
    try (RabbitTransport binding =
        RabbitTransport.create(
            config(URI_OF_THE_BROKER)
                .bind(
                    bound,
                    RabbitBinding.existingQueue(name, ConsumerMode.EXCLUSIVE).noDeadLetters())
                .build())) {
      Subscription deleted = subscribe(binding, bound);
      Subscription beside = subscribe(binding, other);
      Await.until(
          "all are connected", LIMIT, () -> transport.health().status() == Health.Status.UP);
      int before = traffic.connections.get();
      foreign.channel().queueDelete(name);
      Await.until(
          "health names the queue",
          LIMIT,
          () ->
              deleted.health().status() == Health.Status.DOWN
                  && deleted.health().reason().contains("no queue '" + name));
      foreign.publish("", other.name(), RawClient.event("beside", "k"));
      awaitHandled("beside");
      assertThat(beside.health().status()).isEqualTo(Health.Status.UP);
      foreign.channel().queueDeclare(name, true, false, false, Map.of());
      foreign.publish("", name, RawClient.event("back", "k"));
      awaitHandled("back");
      awaitUp(deleted);
      assertThat(traffic.connections).as("no other than before").hasValue(before);
    }
  }

  /** Another program has declared the name with other arguments meanwhile. */
  @Test
  void aQueueThatNowHasOtherArgumentsIsRefusedByNameAndDisturbsNoOther() throws Exception {
    Subscription differs = subscribe(transport, troubled);
    Subscription beside = subscribe(transport, other);
    foreign.channel().queueDelete(troubled.name());
    foreign.channel().queueDeclare(troubled.name(), true, false, false, Map.of());
    Await.until(
        "refused",
        LIMIT,
        () ->
            differs.health().reason().startsWith("refused: ")
                && differs.health().reason().contains(troubled.name()));
    publish(other, "beside");
    awaitHandled("beside");
    assertThat(beside.health().status()).isEqualTo(Health.Status.UP);
    foreign.channel().queueDelete(troubled.name());
    awaitUp(differs);
    publish(troubled, "right");
    awaitHandled("right");
  }

  @Test
  void headersNestedDeeperThanTheClientReadsAreHandledDeadLetteredListedAndRedriven()
      throws Exception {
    transport.declare(DestinationConfig.builder(troubled).build());
    Subscription beside = subscribe(transport, other);
    Map<String, Object> nested = new HashMap<>();
    for (int depth : new int[] {31, 32, 33, 100, DeepHeaders.MAX_DEPTH + 44}) {
      nested.put("deep" + depth, nested(depth));
      foreign.publish(
          "", troubled.name(), RawClient.event("deep" + depth, "k", "h", nested(depth)));
    }
    foreign.publish("", troubled.name(), RawClient.event("next", "k"));
    List<String> failed = new CopyOnWriteArrayList<>();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(troubled).withoutDeadLetterBreaker().build(),
            delivery -> {
              String id = delivery.message().id();
              if (nested.containsKey(id) && delivery.redriveCount() == 0) {
                failed.add(id);
                return Settlement.deadLetter("deep");
              }
              handled.add(id);
              return Settlement.done();
            });
    awaitHandled("next");
    publish(other, "beside");
    awaitHandled("beside");
    assertThat(beside.health().status()).isEqualTo(Health.Status.UP);
    assertThat(failed).containsExactly("deep31", "deep32", "deep33", "deep100", "deep300");
    List<DeadLetter> letters = transport.deadLetters().list(troubled, "main", 10);
    assertThat(letters).extracting(DeadLetter::messageId).isEqualTo(failed);
    assertThat(transport.deadLetters().redrive(troubled, "main", letter -> true)).isEqualTo(5);
    Await.until("redriven", LIMIT, () -> handled.containsAll(failed));
    assertThat(traffic.connections).as("one to publish, one to consume").hasValue(2);
  }

  private static Object nested(int depth) {
    return depth == 0 ? "bottom" : Map.of("d", nested(depth - 1));
  }

  @Test
  void aRefusedSubscribeEndsCompletely() throws Exception {
    // Quorum queues accept any number of exclusive consumers, which the proof finds.
    String name = run + "quorum";
    foreign.channel().queueDeclare(name, true, false, false, Map.of("x-queue-type", "quorum"));
    Destination bound = Destination.queue("bound");
    try (RabbitTransport binding =
        RabbitTransport.create(
            config(URI_OF_THE_BROKER)
                .bind(
                    bound,
                    RabbitBinding.existingQueue(name, ConsumerMode.EXCLUSIVE).noDeadLetters())
                .build())) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> subscribe(binding, bound)).isInstanceOf(SubscribeException.class);
      }
      Await.until("no consumer", LIMIT, () -> foreign.consumers(name) == 0);
      foreign.channel().queueDelete(name);
      foreign.channel().queueDeclare(name, true, false, false, Map.of());
      Subscription right = subscribe(binding, bound);
      for (int i = 1; i <= 5; i++) {
        foreign.publish("", name, RawClient.event("m" + i, "k"));
      }
      awaitHandled("m5");
      assertThat(handled).containsExactly("m1", "m2", "m3", "m4", "m5");
      assertThat(right.health().status()).isEqualTo(Health.Status.UP);
      right.close();
      Await.until("no consumer", LIMIT, () -> foreign.consumers(name) == 0);
      assertThat(runtime.outstanding()).as("retries").isZero();
    }
  }

  @Test
  void closedDuringAReconnectItLeavesNoConsumer() throws Exception {
    URI server = URI.create(URI_OF_THE_BROKER);
    try (TcpFaultProxy proxy =
        TcpFaultProxy.to(new InetSocketAddress(server.getHost(), server.getPort()))) {
      String through = "amqp://" + server.getUserInfo() + "@127.0.0.1:" + proxy.port();
      try (RabbitTransport reconnecting = RabbitTransport.create(config(through).build())) {
        Subscription beside = subscribe(reconnecting, other);
        for (int round = 0; round < 5; round++) {
          Subscription closing = subscribe(reconnecting, troubled);
          Await.until("consumers", LIMIT, () -> foreign.consumers(troubled.name()) == 1);
          AtomicInteger consumes = new AtomicInteger();
          int closedAt = 1 + round % 2;
          traffic.onConsume =
              () -> {
                if (consumes.incrementAndGet() == closedAt) {
                  new Thread(closing::close).start();
                  Await.until("closed", LIMIT, () -> closing.state() == LifecycleState.CLOSED);
                }
              };
          proxy.cut();
          Await.until("closed", LIMIT, () -> closing.state() == LifecycleState.CLOSED);
          traffic.onConsume = () -> {};
          Await.until("no ghost", LIMIT, () -> foreign.consumers(troubled.name()) == 0);
          awaitUp(beside);
          Await.until("one consumer", LIMIT, () -> foreign.consumers(other.name()) == 1);
        }
      }
    }
  }
}
