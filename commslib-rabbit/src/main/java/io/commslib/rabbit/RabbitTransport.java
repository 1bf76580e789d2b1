package io.commslib.rabbit;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.engine.Declarations;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.DeliveryEngineBuilder;
import io.commslib.core.messaging.CallTrail;
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
 * Message transport over RabbitMQ.
 *
 * <p>Topology. A topic is a durable fanout exchange with a quorum queue {@code <name>@<group>} per
 * group. A queue is a quorum queue of its name. The dead letters of each group are in the quorum
 * queue {@code <queue>@.dlq} and are redriven through the exchange {@code <queue>@.redrive}; the
 * library trusts its redrive headers only in messages that arrived through this exchange. The
 * quorum queue {@code <queue>@.begun} has a marker while an attempt runs on a message that was
 * delivered more than five times, since such a message may be the one that kills its process. The
 * queues of groups have a single active consumer: order per key holds for one process per group,
 * and other processes stand by and take over.
 *
 * <p>A message given back by its handler waits for 100 ms in this process and is handled again by
 * this consumer, which is the active one. If it were returned to the broker, later messages of its
 * key would overtake it.
 *
 * <p>Thread-safe. Uses one connection to publish and one to consume. A lost connection is
 * re-established with all its channels and consumers.
 *
 * <pre>{@code
 * try (RabbitTransport transport = RabbitTransport.create("amqp://guest:guest@127.0.0.1:5672")) {
 *   transport.declare(DestinationConfig.builder(ORDERS).build());
 *   transport
 *       .subscriber()
 *       .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done());
 * }
 * }</pre>
 */
public final class RabbitTransport implements MessageTransport {

  private static final String NAME = "rabbit";
  private static final Declarations.Codes CODES =
      new Declarations.Codes(
          "COMMS-RABBIT-001", "COMMS-RABBIT-003", "COMMS-RABBIT-005", "COMMS-RABBIT-012");
  private static final TransportCapabilities CAPABILITIES =
      TransportCapabilities.of(Capability.DURABLE, Capability.REDELIVERY_COUNT);
  private static final TransportCapabilities UNCOUNTED =
      TransportCapabilities.of(Capability.DURABLE);
  private static final TransportCapabilities OF_ANOTHER_OWNER =
      TransportCapabilities.of(Capability.REDELIVERY_COUNT);

  private final RabbitTransportConfig config;
  private final CommsRuntime runtime;
  private final RecoveringConnection connection;
  private final RabbitSender sender;
  private final RabbitBindings bindings;
  private final RabbitTopology topology;
  private final RabbitDeadLetters deadLetters;
  private final Declarations declared;
  private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
  private final Publisher publisher = this::publish;
  private final Subscriber subscriber = this::subscribe;
  private volatile boolean closed;

  private RabbitTransport(RabbitTransportConfig config) {
    this.config = config;
    DefaultSource source = new DefaultSource("transport " + NAME, config.source());
    this.declared =
        new Declarations(
            CODES,
            config.maxMessageBytes(),
            new CloudEventsEnvelope(
                CloudEventsEnvelope.AMQP_PREFIX, config.structuredEvents(), source),
            source);
    this.runtime = config.runtime().orElseGet(SystemRuntime::create);
    this.connection = new RecoveringConnection(config, runtime, "consume");
    this.sender = new RabbitSender(config, runtime);
    this.bindings = new RabbitBindings(config.bindings(), config.otherBindings());
    this.topology = new RabbitTopology(connection, bindings);
    this.deadLetters =
        new RabbitDeadLetters(config, bindings, connection, declared::format, sender);
    sender.connectSoon();
  }

  /**
   * Creates a transport with all defaults, for a service that sets the source of its messages
   * itself. Connects in the background; the first declaration waits for the connection.
   *
   * @param uri address with user, password and virtual host, such as {@code
   *     amqp://user:password@host:5672/%2F}
   * @return new transport; the caller closes it
   * @throws IllegalArgumentException if the URI is not a valid AMQP URI; see {@link
   *     RabbitTransportConfig#builder}
   */
  public static RabbitTransport create(String uri) {
    return create(RabbitTransportConfig.builder(uri).build());
  }

  /**
   * Creates a transport. Connects in the background; the first declaration waits for the
   * connection.
   *
   * @param config address and settings
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

  /**
   * {@inheritDoc}
   *
   * <p>A destination lacks {@link Capability#REDELIVERY_COUNT} if one of its queues has no attempt
   * markers, as a classic queue. It lacks {@link Capability#DURABLE} if a queue has another owner,
   * since the library can't read whether that queue is durable.
   */
  @Override
  public TransportCapabilities capabilities(Destination destination) {
    RabbitBinding binding = bindings.of(destination);
    if (binding.countsDeliveries()) {
      return binding.isDurable() ? CAPABILITIES : OF_ANOTHER_OWNER;
    }
    return binding.isDurable() ? UNCOUNTED : TransportCapabilities.of();
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
   * <p>Down as soon as one of the connections is lost. A silent broker is detected after two and a
   * quarter heartbeats, or when a publish is not confirmed in time. Details: {@code
   * oldestUnconfirmed} is the age of the oldest unconfirmed publish, {@code unconfirmed} the number
   * of unconfirmed publishes, {@code waitingForRoom} the number of publishes that wait for capacity
   * among them.
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

  private CompletionStage<PublishReceipt> publish(Destination to, Message published) {
    checkOpen();
    // Before the record is written: the correlation id is a property of AMQP too.
    Message message = CallTrail.carriedOn(published);
    Optional<PublishException> refusal = declared.refusal(to, message);
    if (refusal.isPresent()) {
      return CompletableFuture.failedStage(refusal.get());
    }
    RabbitBinding binding = bindings.of(to);
    String routingKey;
    try {
      routingKey = RoutingKeys.of(binding, message);
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(RoutingKeys.refusal(to, message, e));
    }
    boolean optional = declared.find(to).filter(DestinationConfig::isOptional).isPresent();
    OutgoingRecord record;
    try {
      record = RabbitRecords.message(declared.write(to, message), message);
    } catch (PublishException e) {
      return CompletableFuture.failedStage(e);
    } catch (RuntimeException | StackOverflowError e) {
      // A format may write properties and headers that AMQP has no form for, or endless ones.
      return CompletableFuture.failedStage(
          new PublishException(
              "COMMS-RABBIT-013",
              FailureKind.PERMANENT,
              SendCertainty.NOT_SENT,
              to,
              message.id(),
              "properties: " + e,
              e));
    }
    return sender.send(
        new PublishTarget(binding.exchange(), routingKey, optional, to), message.id(), record);
  }

  private Subscription subscribe(SubscriptionConfig subscription, MessageHandler handler) {
    checkOpen();
    capabilities(subscription.destination()).check(NAME, subscription);
    Destination source = subscription.destination();
    String group = subscription.group();
    DestinationConfig destination = declared.require(subscription);
    QueueBinding queue = bindings.queue(source, group);
    SubscriptionRules.check(subscription, queue, declared.format(source));
    topology.declareGroup(destination, group, queue);
    boolean isOwn = topology.creates(destination, queue);
    if (!isOwn) {
      requireSingleActive(subscription, queue);
    }
    RabbitConsumer.Topology renewal =
        mayDiffer -> {
          if (isOwn) {
            topology.renew(destination, group, queue);
          } else if (mayDiffer) {
            requireSingleActive(subscription, queue);
          }
        };
    Subscription[] self = new Subscription[1];
    RabbitSubscription running =
        new RabbitSubscription(
            subscription,
            queue,
            connection,
            renewal,
            new RabbitReading(
                bindings.boundName(source, queue),
                queue.redrive,
                destination.format().orElse(null),
                runtime),
            queue
                .attemptMarkers()
                .map(markers -> new UnfinishedAttempts(markers, config, runtime))
                .orElse(null),
            runtime,
            () -> subscriptions.remove(self[0]));
    self[0] = running;
    DeliveryEngineBuilder engineBuilder =
        DeliveryEngine.builder(subscription, handler)
            .transport(NAME)
            .runtime(runtime)
            .format(declared.format(source))
            .settler(running)
            .maxBodyBytes(config.maxMessageBytes())
            .onIntakeOpen(running::dispatch)
            .onJvmFailure(running::stopAfterJvmFailure)
            .givesBackInPlace()
            .observer(config.observer());
    if (queue.hasNoDeadLetters) {
      engineBuilder.noDeadLetters();
    } else {
      PublishTarget target = queue.deadLetterTarget(source);
      engineBuilder.deadLetters(letter -> deadLetters.add(target, letter));
    }
    DeliveryEngine engine = engineBuilder.build();
    try {
      running.start(engine);
    } catch (IOException | RuntimeException e) {
      running.close();
      throw RabbitErrors.subscribe("consume " + source, e);
    } catch (Error e) {
      running.close();
      throw e;
    }
    subscriptions.add(running);
    if (closed) {
      running.close();
      checkOpen();
    }
    return running;
  }

  private void requireSingleActive(SubscriptionConfig subscription, QueueBinding queue) {
    if (subscription.isUnordered() || queue.consumers != ConsumerMode.SINGLE_ACTIVE) {
      return;
    }
    try {
      SingleActiveProof.require(connection.connect(), queue.name(), queue.isAssumed);
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.subscribe("verify queue " + queue.name(), e);
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
    sender.close();
    connection.close();
    if (config.runtime().isEmpty()) {
      runtime.close();
    }
  }
}
