package io.commslib.rabbit;

import io.commslib.core.Health;
import io.commslib.core.engine.Declarations;
import io.commslib.core.engine.DeliveryEngine;
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
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DefaultSource;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Messages over RabbitMQ. A topic is a durable fanout exchange with a quorum queue {@code
 * <name>@<group>} per group, a queue is a quorum queue of its name. The dead letters of each are
 * the quorum queue {@code <queue>@.dlq}, and go back through the exchange {@code <queue>@.redrive}:
 * what the library says of redrives is believed only of messages that came through it. The quorum
 * queue {@code <queue>@.begun} holds a note while an attempt runs on a message that was delivered
 * more than five times and so may be one that kills its process. The queues of groups have a single
 * active consumer: per-key order holds for one process per group, others stand by and take over.
 *
 * <p>A message given back by its handler is held for 100 ms and handled again by this consumer,
 * which is the active one: sent back to the broker it would be overtaken by later ones of its key.
 *
 * <p>Thread-safe. Holds one connection to publish and one to consume; a lost one is made again,
 * with everything on it.
 */
public final class RabbitTransport implements MessageTransport {

  private static final String NAME = "rabbit";
  private static final Declarations.Codes CODES =
      new Declarations.Codes(
          "COMMS-RABBIT-001", "COMMS-RABBIT-003", "COMMS-RABBIT-005", "COMMS-RABBIT-012");
  private static final TransportCapabilities CAPABILITIES =
      TransportCapabilities.of(Capability.DURABLE, Capability.REDELIVERY_COUNT);

  private final RabbitTransportConfig config;
  private final CommsRuntime runtime;
  private final CloudEventsEnvelope envelope;
  private final RecoveringConnection connection;
  private final RabbitSender sender;
  private final RabbitTopology topology;
  private final RabbitDeadLetters deadLetters;
  private final Declarations declared;
  private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
  private final Publisher publisher = this::publish;
  private final Subscriber subscriber = this::subscribe;
  private volatile boolean closed;

  private RabbitTransport(RabbitTransportConfig config) {
    this.config = config;
    this.envelope =
        new CloudEventsEnvelope(
            CloudEventsEnvelope.AMQP_PREFIX,
            config.structuredEvents(),
            new DefaultSource("transport " + NAME, config.source()));
    this.declared = new Declarations(CODES, config.maxMessageBytes());
    this.runtime = config.runtime().orElseGet(SystemRuntime::create);
    this.connection = new RecoveringConnection(config, runtime, "consume");
    this.sender = new RabbitSender(config, runtime);
    this.topology = new RabbitTopology(connection);
    this.deadLetters = new RabbitDeadLetters(config, connection, envelope, sender);
    sender.connectSoon();
  }

  /**
   * Creates a transport with the defaults, for a service that sets the source of its messages
   * itself. Connects in the background; the first declaration waits for it.
   *
   * @param uri address with user, password and virtual host, such as {@code
   *     amqp://user:password@host:5672/%2F}
   * @return new transport; the caller closes it
   * @throws IllegalArgumentException if the URI is not one of AMQP
   */
  public static RabbitTransport create(String uri) {
    return create(RabbitTransportConfig.builder(uri).build());
  }

  /**
   * Creates a transport. Connects in the background; the first declaration waits for it.
   *
   * @param config how to reach and use RabbitMQ
   * @return new transport; the caller closes it
   */
  public static RabbitTransport create(RabbitTransportConfig config) {
    return new RabbitTransport(config);
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
  public int maxMessageBytes() {
    return config.maxMessageBytes();
  }

  @Override
  public Duration publishTimeout() {
    return config.publishTimeout();
  }

  @Override
  public void declare(DestinationConfig destination) {
    checkOpen();
    try {
      sender.connect();
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.subscribe("connect to " + config.address(), e);
    }
    topology.declare(destination);
    declared.add(destination);
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
   * {@inheritDoc}
   *
   * <p>It is down as soon as one of the connections is lost. A broker that falls silent is noticed
   * after two and a quarter heartbeats, or when a publish gets no confirm in time. Details: {@code
   * oldestUnconfirmed} is the age of the oldest publish without a confirm, {@code unconfirmed}
   * their number, {@code waitingForRoom} the number of publishes that wait for room among them.
   */
  @Override
  public Health health() {
    if (closed) {
      return Health.of(Health.Status.DOWN, "closed", Map.of());
    }
    Health publishing = sender.health();
    return subscriptions.isEmpty() || connection.current().isPresent()
        ? publishing
        : Health.of(
            Health.Status.DOWN,
            "consumers are not connected: " + connection.downReason(),
            publishing.details());
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    checkOpen();
    Optional<PublishException> refusal = declared.refusal(to, message);
    if (refusal.isPresent()) {
      return CompletableFuture.failedStage(refusal.get());
    }
    boolean optional = declared.find(to).filter(DestinationConfig::isOptional).isPresent();
    String routingKey = to.kind() == Destination.Kind.QUEUE ? to.name() : "";
    return sender.send(
        RabbitNames.exchange(to),
        routingKey,
        optional,
        to,
        message.id(),
        RabbitRecords.message(envelope.encode(message), message.id()));
  }

  private Subscription subscribe(SubscriptionConfig subscription, MessageHandler handler) {
    checkOpen();
    CAPABILITIES.check(NAME, subscription);
    Destination source = subscription.destination();
    String group = subscription.group();
    DestinationConfig destination = declared.require(subscription);
    topology.declareGroup(destination, group);
    Subscription[] self = new Subscription[1];
    RabbitSubscription running =
        new RabbitSubscription(
            subscription,
            connection,
            new UnfinishedAttempts(RabbitNames.attemptMarkers(source, group), config, runtime),
            runtime,
            () -> subscriptions.remove(self[0]));
    self[0] = running;
    DeliveryEngine engine =
        DeliveryEngine.builder(subscription, handler)
            .transport(NAME)
            .runtime(runtime)
            .envelope(envelope)
            .settler(running)
            .deadLetters(letter -> deadLetters.add(source, group, letter))
            .maxBodyBytes(config.maxMessageBytes())
            .onIntakeOpen(running::dispatch)
            .onJvmFailure(running::stopAfterJvmFailure)
            .givesBackInPlace()
            .observer(config.observer())
            .build();
    try {
      running.start(engine);
    } catch (IOException | RuntimeException e) {
      engine.close();
      throw RabbitErrors.subscribe("consume " + source, e);
    }
    subscriptions.add(running);
    if (closed) {
      running.close();
      checkOpen();
    }
    return running;
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
    sender.close();
    connection.close();
    if (config.runtime().isEmpty()) {
      runtime.close();
    }
  }
}
