package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.messaging.TransportException;
import io.commslib.core.spi.Checks;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.Declarations;
import io.commslib.core.spi.DefaultSource;
import io.commslib.core.spi.DeliveryEngine;
import io.commslib.core.spi.WireMessage;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Messages over Apache Kafka. A topic is a Kafka topic, a queue a Kafka topic {@code <name>.queue}
 * with one consumer group; each group has a compacted topic for its dead letters and one for what
 * is redriven to it.
 *
 * <p>A message given back by its handler is held for 100 ms and handled again by this consumer,
 * which owns its partition. Thread-safe. Holds a producer and an admin client, and a consumer with
 * one poll thread per subscription.
 *
 * @since 0.1
 */
public final class KafkaTransport implements MessageTransport {

  private static final String NAME = "kafka";
  private static final Declarations.Codes CODES =
      new Declarations.Codes(
          "COMMS-KAFKA-001", "COMMS-KAFKA-003", "COMMS-KAFKA-005", "COMMS-KAFKA-012");
  private static final TransportCapabilities CAPABILITIES =
      TransportCapabilities.of(
          Capability.START_EARLIEST,
          Capability.PARALLEL_MEMBERS,
          Capability.UNCOUNTED_GIVE_BACK,
          Capability.RETENTION_WITHOUT_GROUP,
          Capability.DURABLE);

  private final KafkaTransportConfig config;
  private final CommsRuntime runtime;
  private final CloudEventsEnvelope envelope;
  private final KafkaSender sender;
  private final KafkaTopics topics;
  private final KafkaDeadLetters deadLetters;
  private final Declarations declared;
  private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
  private final Publisher publisher = this::publish;
  private final Subscriber subscriber = this::subscribe;
  private volatile boolean closed;

  private KafkaTransport(KafkaTransportConfig config) {
    this.config = config;
    this.envelope =
        new CloudEventsEnvelope(
            CloudEventsEnvelope.KAFKA_PREFIX,
            config.structuredEvents(),
            new DefaultSource("transport " + NAME, config.source()));
    this.declared = new Declarations(CODES, config.maxMessageBytes());
    this.runtime = config.runtime().orElseGet(SystemRuntime::create);
    this.topics = new KafkaTopics(config, runtime.time());
    this.sender = new KafkaSender(config);
    this.deadLetters = new KafkaDeadLetters(config, envelope, sender, topics, runtime.time());
  }

  /**
   * Creates a transport. Does not wait for the broker: the first declaration does.
   *
   * @param config how to reach and use Kafka
   * @return new transport; the caller closes it
   * @throws SubscribeException {@code PERMANENT} if a client refuses its settings, or if the
   *     kafka-clients on the class path is a version that can lose records
   */
  public static KafkaTransport create(KafkaTransportConfig config) {
    ClientVersion.check(ClientVersion.inUse());
    try {
      return new KafkaTransport(config);
    } catch (KafkaException e) {
      throw new SubscribeException(
          "COMMS-KAFKA-008", FailureKind.PERMANENT, "client settings: " + cause(e), e);
    }
  }

  private static String cause(Throwable failure) {
    return String.valueOf(
        failure.getCause() == null ? failure.getMessage() : failure.getCause().getMessage());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public TransportCapabilities capabilities() {
    return CAPABILITIES;
  }

  @Override
  public void declare(DestinationConfig destination) {
    checkOpen();
    String name = destination.destination().name();
    if (KafkaNames.isReserved(name)) {
      throw new SubscribeException(
          "COMMS-KAFKA-010",
          FailureKind.PERMANENT,
          "destination: "
              + name
              + " (expected: a name that does not end with .queue, .dlq, .redrive or .delay-<number>)",
          null);
    }
    topics.declare(destination);
    declared.add(destination);
  }

  @Override
  public int maxMessageBytes() {
    return config.maxMessageBytes();
  }

  @Override
  public Duration publishTimeout() {
    return config.publishTimeout();
  }

  @Override
  public Publisher publisher() {
    return publisher;
  }

  @Override
  public Subscriber subscriber() {
    return subscriber;
  }

  @Override
  public DeadLetters deadLetters() {
    return deadLetters;
  }

  /**
   * Copies the dead letters that Spring Kafka or SmallRye wrote to a topic of theirs to the dead
   * letters of a group, with what their headers tell of the cause, so that they can be listed and
   * redriven like the group's own. The topic stays as it is; how far it has been copied is
   * remembered in committed offsets, so a later call copies what is new. A call that fails half way
   * is repeated; a letter copied twice replaces itself if it carries a CloudEvents id or its
   * original position. Headers {@code commslib-*} of the topic are not trusted and left out.
   *
   * <p>Blocks for the broker. Not for two callers with the same topic and group at a time.
   *
   * @param topic their dead letter topic
   * @param source what the group consumes
   * @param group the group; subscribed to before at least once
   * @param limit how many at most, 1 to 100,000
   * @return how many were copied
   * @throws TransportException if the broker can't be reached, the topic does not exist or the
   *     group is unknown; those copied so far are copied
   */
  public int importDeadLetters(String topic, Destination source, String group, int limit) {
    checkOpen();
    Checks.inRange("limit", limit, 1, 100_000);
    deadLetters.requireGroup(source, group);
    return new DeadLetterImport(config, deadLetters, runtime.time())
        .run(topic, source, group, limit);
  }

  @Override
  public Health health() {
    return closed ? Health.of(Health.Status.DOWN, "closed", Map.of()) : sender.health();
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    checkOpen();
    Optional<PublishException> refusal = declared.refusal(to, message);
    return refusal.isPresent()
        ? CompletableFuture.failedStage(refusal.get())
        : sender.send(KafkaNames.topic(to), to, message.id(), envelope.encode(message));
  }

  private Subscription subscribe(SubscriptionConfig subscription, MessageHandler handler) {
    checkOpen();
    CAPABILITIES.check(NAME, subscription);
    Destination source = subscription.destination();
    String group = subscription.group();
    DestinationConfig destination = declared.require(subscription);
    DelayTopics delays = DelayTopics.of(subscription);
    topics.declareGroup(destination, group, delays.topics());
    PollLoop loop = loop(subscription, delays);
    DeliveryEngine engine =
        DeliveryEngine.builder(subscription, handler)
            .transport(NAME)
            .runtime(runtime)
            .envelope(envelope)
            .settler(loop)
            .deadLetters(letter -> deadLetters.add(source, group, letter))
            .delays((record, delay) -> keep(delays, source, record, delay))
            .maxBodyBytes(config.maxMessageBytes())
            .givesBackInPlace()
            .observer(config.observer())
            .build();
    List<String> read = new ArrayList<>(delays.topics());
    read.add(KafkaNames.topic(source));
    read.add(KafkaNames.redrive(source, group));
    loop.attach(engine, read);
    Subscription[] self = new Subscription[1];
    KafkaSubscription running =
        new KafkaSubscription(
            subscription, engine, loop, runtime, () -> subscriptions.remove(self[0]));
    self[0] = running;
    subscriptions.add(running);
    awaitAssigned(loop, running);
    return running;
  }

  private Optional<CompletionStage<?>> keep(
      DelayTopics delays, Destination source, WireMessage record, Duration delay) {
    return delays.topic(delay).map(topic -> sender.send(topic, source, "set aside", record));
  }

  private PollLoop loop(SubscriptionConfig subscription, DelayTopics delays) {
    try {
      return new PollLoop(
          new KafkaConsumer<>(
              ClientSettings.groupConsumer(config, subscription),
              new ByteArrayDeserializer(),
              new BodyDeserializer()),
          config,
          subscription,
          runtime,
          delays);
    } catch (KafkaException e) {
      throw KafkaErrors.subscribe("consumer of " + subscription.destination(), e);
    }
  }

  private void awaitAssigned(PollLoop loop, KafkaSubscription running) {
    boolean joined = false;
    try {
      joined = loop.awaitAssigned(config.operationTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!joined || closed) {
      running.close();
      checkOpen();
      throw KafkaErrors.subscribe(
          "join group of " + running.config().destination(),
          new TimeoutException(
              "not assigned within " + config.operationTimeout() + " " + loop.lastError()));
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new TransportClosedException(NAME);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    List.copyOf(subscriptions).forEach(Subscription::close);
    sender.close(config.publishTimeout());
    topics.close();
    if (config.runtime().isEmpty()) {
      runtime.close();
    }
  }
}
