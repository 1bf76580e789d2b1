package io.commslib.kafka;

import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.checks.Checks;
import io.commslib.core.engine.Declarations;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.DeliveryEngineBuilder;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.messaging.TransportException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Messages over Apache Kafka. Unless a {@link KafkaBinding} states other names, a topic is a Kafka
 * topic of the same name. A queue is a Kafka topic {@code <name>.queue} with one consumer group.
 * Each group has a compacted topic for its dead letters, a topic for redriven messages, and for an
 * unordered subscription a topic for each retry delay.
 *
 * <p>A message given back by its handler waits for 100 ms and is handled again by this consumer,
 * which owns its partition. Draining a subscription returns true once the broker has confirmed the
 * commit of all handled messages. During a rebalance that takes until the rebalance is over.
 *
 * <p>A publish to a topic that the cluster does not know, for example because it was deleted, waits
 * for the topic on the calling thread for at most 2 seconds. Later publishes to it fail immediately
 * until the topic is found. The transport checks for it every second.
 *
 * <p>Thread-safe. Owns a producer and an admin client, and for each subscription a consumer with
 * its poll thread.
 *
 * <pre>{@code
 * try (KafkaTransport transport = KafkaTransport.create("127.0.0.1:9092")) {
 *   transport.declare(DestinationConfig.builder(ORDERS).partitions(12).build());
 *   transport
 *       .subscriber()
 *       .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done());
 * }
 * }</pre>
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
  private final KafkaSender sender;
  private final KafkaBindings bindings;
  private final TopicAdmin admin;
  private final KafkaTopics topics;
  private final KafkaDeadLetters deadLetters;
  private final BrokerWatch watch;
  private final FetchMemory memory = new FetchMemory();
  private final Declarations declared;
  private final Set<KafkaSubscription> subscriptions = ConcurrentHashMap.newKeySet();
  private final Publisher publisher = this::publish;
  private final Subscriber subscriber = this::subscribe;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch allFreed = new CountDownLatch(1);

  private KafkaTransport(
      KafkaTransportConfig config, CommsRuntime runtime, TopicAdmin admin, KafkaSender sender) {
    this.config = config;
    this.bindings = config.bindings();
    this.admin = admin;
    this.watch = new BrokerWatch(runtime, config.bootstrapServers(), admin::probe);
    DefaultSource source = new DefaultSource("transport " + NAME, config.source());
    this.declared =
        new Declarations(
            CODES,
            config.maxMessageBytes(),
            new CloudEventsEnvelope(
                CloudEventsEnvelope.KAFKA_PREFIX, config.structuredEvents(), source),
            source);
    this.runtime = runtime;
    this.topics = new KafkaTopics(config, bindings, admin);
    this.sender = sender;
    this.deadLetters =
        new KafkaDeadLetters(config, bindings, declared::format, sender, admin, runtime.time());
  }

  /**
   * Creates a transport with the default settings, for a service that sets the source of its
   * messages itself. Does not wait for the broker: the first declaration does.
   *
   * @param bootstrapServers host and port of one or more brokers, separated by commas
   * @return new transport; the caller closes it
   * @throws SubscribeException as {@link #create(KafkaTransportConfig)}
   */
  public static KafkaTransport create(String bootstrapServers) {
    return create(KafkaTransportConfig.builder(bootstrapServers).build());
  }

  /**
   * Creates a transport. Does not wait for the broker: the first declaration does.
   *
   * @param config address and settings
   * @return new transport; the caller closes it
   * @throws SubscribeException {@code PERMANENT} if a client rejects its settings, or if the
   *     kafka-clients on the class path are a version that can lose records or lacks a required
   *     method; everything created so far is closed again
   */
  public static KafkaTransport create(KafkaTransportConfig config) {
    ClientVersion.check(config.groupProtocol());
    Deque<Runnable> created = new ArrayDeque<>();
    boolean complete = false;
    try {
      CommsRuntime runtime = config.runtime().orElseGet(SystemRuntime::create);
      if (config.runtime().isEmpty()) {
        created.push(runtime::close);
      }
      TopicAdmin admin = new TopicAdmin(config, runtime.time());
      created.push(admin::close);
      MissingTopics missing = new MissingTopics(runtime, admin::describe);
      KafkaSender sender = new KafkaSender(config, runtime, missing);
      created.push(sender::close);
      KafkaTransport transport = new KafkaTransport(config, runtime, admin, sender);
      transport.watch.start();
      complete = true;
      return transport;
    } catch (KafkaException e) {
      throw rejected(e, config);
    } finally {
      if (!complete) {
        CloseSequence.run(NAME, created.toArray(Runnable[]::new));
      }
    }
  }

  private static SubscribeException rejected(KafkaException failure, KafkaTransportConfig config) {
    Optional<String> secret = SecretSettings.quotedBy(failure, config.clientSettings());
    String text =
        secret
            .map(
                name ->
                    name
                        + ": rejected (the client's message is left out, since it quotes the value)")
            .orElseGet(() -> KafkaErrors.rejectedSettings(failure));
    return new SubscribeException(
        "COMMS-KAFKA-008",
        FailureKind.PERMANENT,
        "clientSetting: " + text + " (expected: a value that kafka-clients accepts)",
        secret.isPresent() ? null : failure);
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
    if (!bindings.isBound(destination.destination()) && KafkaNames.isReserved(name)) {
      throw new SubscribeException(
          "COMMS-KAFKA-010",
          FailureKind.PERMANENT,
          "destination: "
              + name
              + " (expected: a name that does not end with .queue, .dlq, .redrive or .delay-<number>,"
              + " or a KafkaBinding)",
          null);
    }
    String topic = bindings.topic(destination.destination());
    Optional<String> owner = bindings.owner(topic);
    if (owner.isPresent()) {
      throw new SubscribeException(
          "COMMS-KAFKA-014",
          FailureKind.PERMANENT,
          "topic "
              + topic
              + ": that of group "
              + owner.get()
              + " (expected: another one for "
              + destination.destination()
              + ", as others may not write to it)",
          null);
    }
    try {
      topics.declare(destination);
    } catch (SubscribeException e) {
      throw e.kind() == FailureKind.TRANSIENT && TlsPort.speaksTls(config)
          ? TlsPort.refused(config, e)
          : e;
    }
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
   * Copies dead letters that Spring Kafka or SmallRye wrote to a topic of its own to the dead
   * letters of a group, with the cause that their headers state, so that they can be listed and
   * redriven like the group's own. The topic is not changed. The copied range is stored in
   * committed offsets, so that a later call copies only new letters. If a call fails halfway,
   * repeat it: a letter that is copied twice replaces itself if its message has an id, or if it
   * states its original position. A message in which the format finds no id is identified by the id
   * of this topic, its partition and its offset. Headers of the library ({@code commslib-*}) in the
   * topic are not trusted and are left out.
   *
   * <p>Blocks for the broker. Two callers must not import the same topic to the same group at the
   * same time.
   *
   * @param topic the dead letter topic of the other library
   * @param source the destination that the group consumes
   * @param group the group; must have been subscribed at least once
   * @param limit the maximum number of letters to copy, 1 to 100,000
   * @return the number of copied letters
   * @throws TransportException if the broker is unreachable, the topic does not exist or the group
   *     is unknown; letters copied before the failure stay copied
   */
  public int importDeadLetters(String topic, Destination source, String group, int limit) {
    checkOpen();
    Checks.inRange("limit", limit, 1, 100_000);
    deadLetters.requireGroup(source, group);
    return new DeadLetterImport(config, deadLetters, admin, runtime.time())
        .run(topic, source, group, limit);
  }

  /**
   * {@inheritDoc}
   *
   * <p>A probe, one small request, is sent to the cluster every 2 seconds. The transport is down
   * within 10 seconds after the cluster has stopped to answer, whether its process has died or
   * hangs, and up within 10 seconds after it answers again. It is also down for up to 5 seconds
   * after a failed publish, and while a producer in a fatal state is replaced. It is degraded while
   * a topic that is published to is not found. The details contain the age of the last answer
   * ({@code lastAnswer}), the age of the oldest unconfirmed publish ({@code oldestUnconfirmed}),
   * and the number of threads that wait for buffer capacity ({@code waitingForRoom}).
   */
  @Override
  public Health health() {
    if (isClosed()) {
      return Health.of(Health.Status.DOWN, "closed", Map.of());
    }
    Health publishing = sender.health(Map.of("lastAnswer", watch.answerAge().toString()));
    String reason = watch.reason();
    return reason.isEmpty()
        ? publishing
        : Health.of(Health.Status.DOWN, reason, publishing.details());
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    checkOpen();
    Optional<PublishException> rejection = declared.refusal(to, message);
    return rejection.isPresent()
        ? CompletableFuture.failedStage(rejection.get())
        : write(to, message);
  }

  private CompletionStage<PublishReceipt> write(Destination to, Message message) {
    ProducerRecord<byte[], byte[]> record;
    try {
      record = KafkaRecords.record(bindings.topic(to), declared.write(to, message));
    } catch (PublishException e) {
      return CompletableFuture.failedStage(e);
    } catch (CodecException e) {
      return CompletableFuture.failedStage(declared.unwritten(to, message, e));
    }
    return sender.send(record, to, message.id());
  }

  private Subscription subscribe(SubscriptionConfig subscription, MessageHandler handler) {
    checkOpen();
    capabilities(subscription.destination()).check(NAME, subscription);
    Destination source = subscription.destination();
    DestinationConfig destination = declared.require(subscription);
    GroupNames names = bindings.group(source, subscription.group());
    DelayTopics delays = DelayTopics.of(subscription, names);
    Map<String, String> notes = topics.declareGroup(destination, names, delays.delays());
    GroupMembers.check(admin.group(names.groupId()), config.groupProtocol());
    TopicIds ids =
        TopicIds.of(destination.format().orElse(null), config.operationTimeout(), admin::ids);
    ids.require(names.source());
    PollLoop loop =
        loop(
            subscription,
            names,
            ids,
            new SubscribedTopics(
                names.source(),
                names.redrive().orElse(null),
                delays,
                destination.format().orElse(null),
                firstPartitions(subscription, names.source())));
    Deque<Runnable> created = new ArrayDeque<>(List.of(loop::abandon));
    boolean started = false;
    KafkaSubscription running;
    try {
      DeliveryEngine engine = engine(subscription, handler, loop, names, delays);
      created.push(engine::close);
      loop.attach(engine);
      String topic = names.source();
      SourceWatch exists =
          new SourceWatch(runtime, topic, () -> admin.describe(topic), engine::report);
      KafkaSubscription[] self = new KafkaSubscription[1];
      running =
          new KafkaSubscription(
              subscription,
              engine,
              loop,
              watch,
              exists,
              runtime,
              names,
              notes,
              () -> subscriptions.remove(self[0]));
      self[0] = running;
      subscriptions.add(running);
      created.push(() -> subscriptions.remove(self[0]));
      running.start();
      started = true;
    } finally {
      if (!started) {
        CloseSequence.run(NAME, created.toArray(Runnable[]::new));
      }
    }
    awaitAssigned(loop, running);
    return running;
  }

  /** The number of partitions of the source, if the subscription starts at their ends. */
  private int firstPartitions(SubscriptionConfig subscription, String topic) {
    int found =
        subscription.startAt().filter(start -> start == StartPosition.LATEST).isPresent()
            ? admin.partitions(topic)
            : 0;
    return found == 0 ? Integer.MAX_VALUE : found;
  }

  private DeliveryEngine engine(
      SubscriptionConfig subscription,
      MessageHandler handler,
      PollLoop loop,
      GroupNames names,
      DelayTopics delays) {
    Destination source = subscription.destination();
    DeliveryEngineBuilder engine =
        DeliveryEngine.builder(subscription, handler)
            .transport(NAME)
            .runtime(runtime)
            .format(declared.format(source))
            .settler(loop)
            .delayStore((record, delay) -> defer(delays, source, record, delay))
            .maxBodyBytes(config.maxMessageBytes())
            .givesBackInPlace()
            .onJvmFailure((reason, pause) -> loop.leaveGroupFor(pause))
            .observer(config.observer());
    if (names.hasNoDeadLetters()) {
      engine.noDeadLetters();
    } else {
      engine.deadLetters(letter -> deadLetters.add(source, subscription.group(), letter));
    }
    return engine.build();
  }

  private Optional<CompletionStage<?>> defer(
      DelayTopics delays, Destination source, ForeignRecord record, Duration delay) {
    return delays.topic(delay).map(topic -> sender.send(topic, source, "deferred retry", record));
  }

  private PollLoop loop(
      SubscriptionConfig subscription, GroupNames names, TopicIds ids, SubscribedTopics read) {
    try {
      return new PollLoop(
          new KafkaConsumer<>(
              ClientSettings.groupConsumer(config, subscription, names.groupId()),
              new ByteArrayDeserializer(),
              new BodyDeserializer()),
          config,
          subscription,
          runtime,
          read,
          ids,
          memory);
    } catch (KafkaException e) {
      throw rejected(e, config);
    }
  }

  private void awaitAssigned(PollLoop loop, KafkaSubscription running) {
    boolean joined = false;
    try {
      joined = loop.awaitAssigned(config.operationTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!joined || isClosed()) {
      running.close();
      checkOpen();
      Throwable refusal = loop.refusal();
      if (refusal != null && KafkaErrors.isOtherProtocol(refusal)) {
        throw GroupMembers.otherProtocol(running.config(), refusal);
      }
      throw KafkaErrors.subscribe(
          "join group of " + running.config().destination(),
          refusal != null
              ? refusal
              : new TimeoutException(
                  "no partitions assigned (expected: within "
                      + config.operationTimeout()
                      + ", operationTimeout) "
                      + loop.lastError()));
    }
  }

  private void checkOpen() {
    if (isClosed()) {
      throw new TransportClosedException(NAME);
    }
  }

  private boolean isClosed() {
    return closing.get();
  }

  /**
   * {@inheritDoc}
   *
   * <p>May be called on any thread, including that of a handler or an observer, and on an
   * interrupted thread: the interrupt flag is set again at the end. Takes at most the publish
   * timeout plus about 20 seconds. A concurrent call waits for the first one, unless the first one
   * may be waiting for the thread of that call.
   */
  @Override
  public void close() {
    if (closing.getAndSet(true)) {
      awaitFreed();
      return;
    }
    CloseSequence.run(
        NAME,
        this::closeSubscriptions,
        watch::close,
        sender::close,
        admin::close,
        () -> {
          if (config.runtime().isEmpty()) {
            runtime.close();
          }
        },
        allFreed::countDown);
  }

  /** Signals all of them first, so that they end at the same time. */
  private void closeSubscriptions() {
    List<KafkaSubscription> open = List.copyOf(subscriptions);
    open.forEach(KafkaSubscription::beginClose);
    long end = runtime.time().nanoTime() + PollLoop.END_LIMIT.toNanos();
    for (KafkaSubscription subscription : open) {
      subscription.awaitClosed(Duration.ofNanos(end - runtime.time().nanoTime()));
    }
  }

  private void awaitFreed() {
    boolean mayBeWaitedFor =
        sender.isSenderThread() || subscriptions.stream().anyMatch(KafkaSubscription::isPollThread);
    if (!mayBeWaitedFor) {
      Duration limit = PollLoop.END_LIMIT.plus(sender.closeLimit()).plus(TopicAdmin.CLOSE_LIMIT);
      CloseSequence.await(allFreed, limit, runtime.time());
    }
  }
}
