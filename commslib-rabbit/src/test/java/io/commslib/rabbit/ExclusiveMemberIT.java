package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Command;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.TrafficListener;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The attempts of a member to become the exclusive consumer of a queue, on a real RabbitMQ. */
class ExclusiveMemberIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String URI = RabbitServer.shared().uri();
  private static final Map<String, Object> QUORUM = Map.of("x-queue-type", "quorum");
  private static final AtomicInteger NAMES = new AtomicInteger();

  private final String queue = "exclusive-member-" + NAMES.incrementAndGet();
  private final Destination tasks = Destination.queue("tasks");
  private final List<String> handled = new CopyOnWriteArrayList<>();
  private final RetryRuntime runtime = new RetryRuntime();
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final PrintStream console = System.err;
  private final Traffic traffic = new Traffic();
  private RawClient foreign;
  private RabbitTransport transport;

  @BeforeEach
  void connect() throws Exception {
    foreign = RawClient.connect(URI);
    transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(URI)
                .runtime(runtime)
                .nativeSettings(factory -> factory.setTrafficListener(traffic))
                .bind(
                    tasks,
                    RabbitBinding.existingQueue(queue, ConsumerMode.EXCLUSIVE).noDeadLetters())
                .build());
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void close() {
    System.setErr(console);
    transport.close();
    runtime.close();
    foreign.close();
  }

  private void declare(Map<String, Object> arguments) throws Exception {
    foreign.channel().queueDelete(queue);
    foreign.channel().queueDeclare(queue, true, false, false, arguments);
  }

  private Subscription subscribe() {
    transport.declare(DestinationConfig.builder(tasks).build());
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(tasks).build(),
            delivery -> {
              handled.add(delivery.message().id());
              return Settlement.done();
            });
  }

  private void publish(String id) throws Exception {
    foreign.publish("", queue, RawClient.event(id, "k"));
  }

  private String hold() throws Exception {
    Channel channel = foreign.channel();
    return channel.basicConsume(queue, true, "", false, true, null, new DefaultConsumer(channel));
  }

  private long warnings(String text) {
    return log.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains(text)).count();
  }

  @Test
  void aQueueThatRefusesEveryExclusiveConsumerIsReportedOnce() throws Exception {
    declare(Map.of("x-single-active-consumer", true));
    Subscription subscription = subscribe();
    Await.until("reported", LIMIT, () -> subscription.health().status() == Health.Status.DEGRADED);
    assertThat(subscription.health().reason())
        .isEqualTo(
            "COMMS-RABBIT-017: exclusive consumer of queue "
                + queue
                + ": refused although the queue has no consumer, ACCESS_REFUSED - queue '"
                + queue
                + "' in vhost '/' in exclusive use (expected: a queue without"
                + " x-single-active-consumer, or SINGLE_ACTIVE for one that has it)");
    int attempts = runtime.waits().size();
    Await.until("more attempts", LIMIT, () -> runtime.waits().size() > attempts + 4);
    assertThat(warnings("is not consumed: COMMS-RABBIT-017")).isEqualTo(1);
    declare(Map.of());
    publish("1");
    Await.until("handled", LIMIT, () -> handled.contains("1"));
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    assertThat(subscription.health().details()).doesNotContainKey("standBy");
  }

  @Test
  void theWaitsOfAMemberThatStandsByGrowToFiveSeconds() throws Exception {
    declare(Map.of());
    String holder = hold();
    Subscription subscription = subscribe();
    Await.until("attempts", LIMIT, () -> runtime.waits().size() >= 6);
    assertThat(runtime.waits())
        .extracting(Duration::toSeconds)
        .startsWith(1L, 2L, 4L, 5L, 5L)
        .allMatch(seconds -> seconds <= 5);
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    assertThat(subscription.health().details()).containsKey("standBy");
    foreign.channel().basicCancel(holder);
    publish("1");
    Await.until("takes over", LIMIT, () -> handled.contains("1"));
    assertThat(warnings("is not consumed")).isZero();
  }

  @Test
  void aQueueThatBecomesUnsuitableCountsFewDeliveriesAndHealthIsRightAfterwards() throws Exception {
    declare(Map.of());
    Subscription subscription = subscribe();
    foreign.channel().queueDelete(queue);
    foreign.channel().queueDeclare(queue, true, false, false, QUORUM);
    for (int i = 1; i <= 10; i++) {
      publish("q" + i);
    }
    Await.until(
        "refused",
        LIMIT,
        () -> subscription.health().reason().startsWith("refused: COMMS-RABBIT-017: "));
    assertThat(subscription.health().status()).isEqualTo(Health.Status.DOWN);
    subscription.resume();
    Await.until("the wait grows", LIMIT, () -> longWaits().size() == 2);
    assertThat(longWaits()).containsExactly(Duration.ofMinutes(1), Duration.ofMinutes(2));
    Await.until("all are back", LIMIT, () -> foreign.count(queue) == 10);
    List<Long> counts =
        foreign.consume(queue, 10).stream()
            .map(message -> (Long) message.getProperties().getHeaders().get("x-delivery-count"))
            .toList();
    assertThat(counts.subList(0, 2)).as("two attempts").allMatch(count -> count <= 2);
    assertThat(counts.subList(2, 10)).containsOnly(0L);
    assertThat(handled).isEmpty();
    declare(Map.of());
    String holder = hold();
    subscription.resume();
    Await.until("stands by", LIMIT, () -> subscription.health().details().containsKey("standBy"));
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    assertThat(subscription.health().reason()).isEmpty();
    foreign.channel().basicCancel(holder);
    publish("1");
    Await.until("handled", LIMIT, () -> handled.contains("1"));
    assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    assertThat(subscription.health().details()).doesNotContainKey("standBy");
    declare(QUORUM);
    Await.until("refused again", LIMIT, () -> longWaits().size() == 3);
    subscription.close();
    Await.until("no retry", LIMIT, () -> runtime.outstanding() == 0);
  }

  private List<Duration> longWaits() {
    // Not those between two checks of the consumer timeout, which are no whole minutes.
    return runtime.waits().stream()
        .filter(wait -> wait.toMinutes() >= 1 && wait.toSecondsPart() == 0)
        .toList();
  }

  /** An attempt consumes twice for the proof, and then for good. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void aMemberThatClosesDuringAnAttemptLeavesNoConsumerNoChannelAndNoRetry(int during)
      throws Exception {
    declare(Map.of());
    String holder = hold();
    transport.declare(DestinationConfig.builder(tasks).build());
    int channelsBefore = traffic.channels.get();
    Subscription subscription = subscribe();
    CountDownLatch attempts = new CountDownLatch(1);
    traffic.onConsume =
        number -> {
          if (number == during) {
            attempts.countDown();
            Await.until("closed", LIMIT, () -> subscription.state() == LifecycleState.CLOSED);
          }
        };
    foreign.channel().basicCancel(holder);
    assertThat(attempts.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    subscription.close();
    Await.until("no consumer", LIMIT, () -> foreign.consumers(queue) == 0);
    Await.until("no channel", LIMIT, () -> traffic.channels.get() == channelsBefore);
    Await.until("no retry", LIMIT, () -> runtime.outstanding() == 0);
    assertThat(transport.health().status()).isEqualTo(Health.Status.UP);
    publish("1");
    assertThat(foreign.consume(queue, 1)).hasSize(1);
    assertThat(handled).isEmpty();
  }

  /** Counts open channels, and the consumers of an attempt. */
  private static final class Traffic implements TrafficListener {
    final AtomicInteger channels = new AtomicInteger();
    volatile IntConsumer onConsume = number -> {};
    private final AtomicInteger consumes = new AtomicInteger();
    private volatile boolean isFirstAccepted;

    @Override
    public void write(Command command) {
      if (command.getMethod() instanceof AMQP.Channel.Open) {
        channels.incrementAndGet();
      } else if (command.getMethod() instanceof AMQP.Channel.Close) {
        channels.decrementAndGet();
      } else if (command.getMethod() instanceof AMQP.Basic.Consume) {
        onConsume.accept(consumes.incrementAndGet());
      }
    }

    @Override
    public void read(Command command) {
      if (command.getMethod() instanceof AMQP.Basic.ConsumeOk) {
        isFirstAccepted = true;
      } else if (command.getMethod() instanceof AMQP.Channel.Close) {
        channels.decrementAndGet();
        if (!isFirstAccepted) {
          consumes.set(0);
        }
      }
    }
  }
}
