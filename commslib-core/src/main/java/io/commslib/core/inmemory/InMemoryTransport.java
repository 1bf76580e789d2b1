package io.commslib.core.inmemory;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.checks.Checks;
import io.commslib.core.engine.Declarations;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.LaneKeys;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A broker in this process, with topics, queues and groups, for tests, examples and small
 * applications. Messages pass the same envelope and the same engine as with a real broker, and end
 * with the process.
 *
 * <p>A topic keeps messages for the groups that exist when they are published. Thread-safe. With
 * {@link io.commslib.core.time.VirtualTime} everything runs on the test's thread.
 */
public final class InMemoryTransport implements MessageTransport {

  private static final String NAME = "memory";
  private static final Declarations.Codes CODES =
      new Declarations.Codes(
          "COMMS-MEMORY-001",
          "COMMS-MEMORY-006",
          "COMMS-MEMORY-003",
          "COMMS-MEMORY-005",
          "COMMS-MEMORY-008");
  private static final TransportCapabilities CAPABILITIES =
      TransportCapabilities.of(
          Capability.PARALLEL_MEMBERS,
          Capability.KEYED_PUBLISH_FENCE,
          Capability.REDELIVERY_COUNT,
          Capability.UNCOUNTED_GIVE_BACK);

  private static final class DeclaredDestination {
    final DestinationConfig config;
    final Map<String, InMemoryGroup> groups = new ConcurrentHashMap<>();

    DeclaredDestination(DestinationConfig config) {
      this.config = config;
    }
  }

  private final CommsRuntime runtime;
  private final boolean ownsRuntime;
  private final CommsObserver observer;
  private final int maxBacklog;
  private final int maxMessageBytes;
  private final Declarations declared;
  private final Map<Destination, DeclaredDestination> destinations = new ConcurrentHashMap<>();
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private final Publisher publisher = this::publish;
  private final Subscriber subscriber = this::subscribe;
  private final DeadLetters deadLetters;
  private volatile boolean closed;

  private InMemoryTransport(Builder builder) {
    this.ownsRuntime = builder.runtime == null;
    this.runtime = builder.runtime == null ? SystemRuntime.create() : builder.runtime;
    this.observer = builder.observer;
    this.maxBacklog = builder.maxBacklog;
    this.maxMessageBytes = builder.maxMessageBytes;
    DefaultSource source = new DefaultSource("transport " + NAME, builder.source);
    this.declared =
        new Declarations(
            CODES,
            maxMessageBytes,
            new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX, null, source),
            source);
    this.deadLetters = new InMemoryDeadLetters(this::knownGroup, declared::format);
  }

  /**
   * Creates a transport with the defaults, which creates and closes a runtime of its own.
   *
   * @return new transport
   */
  public static InMemoryTransport create() {
    return builder().build();
  }

  /**
   * Starts a configuration.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
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
   * <p>Declaring a destination again adds groups; other properties must be equal.
   */
  @Override
  public void declare(DestinationConfig config) {
    checkOpen();
    Destination destination = config.destination();
    if (config.isVerifyOnly() && declared.find(destination).isEmpty()) {
      throw new SubscribeException(
          "COMMS-MEMORY-006",
          FailureKind.PERMANENT,
          destination + " does not exist (expected: it does, it was declared verify-only)",
          null);
    }
    DeclaredDestination existing =
        destinations.computeIfAbsent(destination, name -> new DeclaredDestination(config));
    declared.add(existing.config);
    if (!config.isVerifyOnly()) {
      checkSame(destination, "optional", existing.config.isOptional(), config.isOptional());
      checkSame(destination, "format", formatName(existing.config), formatName(config));
    }
    for (String group : config.groups()) {
      boolean taken = destination.kind() == Destination.Kind.QUEUE && !existing.groups.isEmpty();
      if (config.isVerifyOnly() || taken) {
        knownGroup(destination, group);
      } else {
        group(existing, group);
      }
    }
  }

  private static String formatName(DestinationConfig config) {
    return config.format().map(MessageFormat::name).orElse("none");
  }

  private static void checkSame(Destination destination, String name, Object before, Object now) {
    if (!before.equals(now)) {
      throw new SubscribeException(
          "COMMS-MEMORY-007",
          FailureKind.PERMANENT,
          destination + " " + name + ": " + now + " (expected: " + before + ", as declared before)",
          null);
    }
  }

  @Override
  public int maxMessageBytes() {
    return maxMessageBytes;
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

  @Override
  public Health health() {
    return Health.of(
        closed ? Health.Status.DOWN : Health.Status.UP, closed ? "closed" : "", Map.of());
  }

  @Override
  public void close() {
    closed = true;
    subscriptions.forEach(Subscription::close);
    subscriptions.clear();
    if (ownsRuntime) {
      runtime.close();
    }
  }

  /**
   * Publishes a record to every group of a destination unchecked, as a program without this library
   * would. For tests of foreign records.
   *
   * @param to a declared destination
   * @param record key, headers and body as they will be received
   * @throws IllegalArgumentException if the destination was not declared
   * @throws TransportClosedException if the transport is closed
   */
  public void publishRaw(Destination to, ForeignRecord record) {
    checkOpen();
    Checks.check(declared.find(to).isPresent(), "destination", to, "a declared one");
    ForeignRecord received = received(to, record);
    destination(to).groups.values().forEach(group -> group.add(received));
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    checkOpen();
    Optional<PublishException> refusal = refusal(to, message);
    if (refusal.isPresent()) {
      return CompletableFuture.failedStage(refusal.get());
    }
    ForeignRecord wire;
    try {
      wire = received(to, declared.write(to, message));
    } catch (PublishException e) {
      return CompletableFuture.failedStage(e);
    }
    List<String> positions = new ArrayList<>();
    destination(to).groups.values().forEach(group -> positions.add(group.add(wire)));
    return CompletableFuture.completedStage(
        new PublishReceipt(message.id(), to, String.join(" ", positions)));
  }

  /** The record as subscriptions receive it: with what a format of the destination needs. */
  private ForeignRecord received(Destination to, ForeignRecord record) {
    MessageFormat own = destination(to).config.format().orElse(null);
    if (own == null) {
      return record;
    }
    String assignedId =
        own.alwaysFindsId()
            ? null
            : record
                .assignedId()
                .orElseGet(() -> MessageIds.next(runtime.time(), runtime.random()));
    return InMemoryOrigin.received(record, to.name(), assignedId);
  }

  /** The key whose messages keep their order. */
  private static Optional<String> key(DestinationConfig config, ForeignRecord record) {
    MessageFormat own = config.format().orElse(null);
    if (own == null) {
      String text = record.keyText().orElse(null);
      return text == null ? record.key().map(OrderingKeys::of) : Optional.of(OrderingKeys.of(text));
    }
    return Optional.ofNullable(LaneKeys.of(own, record));
  }

  private Optional<PublishException> refusal(Destination to, Message message) {
    Optional<PublishException> refusal = declared.refusal(to, message);
    if (refusal.isPresent()) {
      return refusal;
    }
    DeclaredDestination destination = destination(to);
    if (destination.groups.isEmpty() && !destination.config.isOptional()) {
      return refused(
          "COMMS-MEMORY-002",
          to,
          message,
          "groups: none (expected: one or more, or a destination that was declared optional)");
    }
    if (destination.groups.values().stream().anyMatch(InMemoryGroup::isFull)) {
      return refused(
          "COMMS-MEMORY-004",
          to,
          message,
          "backlog: "
              + maxBacklog
              + " (expected: less than "
              + maxBacklog
              + ", maxBacklog of the transport)");
    }
    return Optional.empty();
  }

  private static Optional<PublishException> refused(
      String code, Destination to, Message message, String text) {
    return Optional.of(
        new PublishException(
            code, FailureKind.TRANSIENT, SendCertainty.NOT_SENT, to, message.id(), text, null));
  }

  private Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
    checkOpen();
    capabilities(config.destination()).check(NAME, config);
    declared.require(config);
    InMemoryGroup group = group(destination(config.destination()), config.group());
    GroupMember member = new GroupMember();
    member.attach(
        DeliveryEngine.builder(config, handler)
            .transport(NAME)
            .runtime(runtime)
            .format(declared.format(config.destination()))
            .settler(group)
            .deadLetters(
                letter -> {
                  group.addDeadLetter(letter);
                  return CompletableFuture.completedStage(null);
                })
            .maxBodyBytes(maxMessageBytes)
            .onIntakeOpen(group::pump)
            .onJvmFailure((reason, pause) -> crash(group, member, pause))
            .observer(observer)
            .build());
    group.join(member);
    Subscription subscription =
        new InMemorySubscription(config, group, member, subscriptions::remove);
    subscriptions.add(subscription);
    if (closed) {
      subscription.close();
      checkOpen();
    }
    return subscription;
  }

  /** Returns the member's messages as if its process had crashed; it rejoins after the pause. */
  private void crash(InMemoryGroup group, GroupMember member, Duration pause) {
    runtime.scheduler().schedule(pause, () -> group.rejoin(member));
    member.engine().revoke(member);
    group.remove(member);
  }

  /** The declared destination. */
  private DeclaredDestination destination(Destination name) {
    return Objects.requireNonNull(destinations.get(name));
  }

  private InMemoryGroup group(DeclaredDestination destination, String name) {
    return destination.groups.computeIfAbsent(
        name,
        group ->
            new InMemoryGroup(
                destination.config.destination().name() + "." + group,
                record -> key(destination.config, record),
                maxBacklog,
                runtime.scheduler()));
  }

  private InMemoryGroup knownGroup(Destination source, String name) {
    declared.require(source);
    Map<String, InMemoryGroup> groups = destination(source).groups;
    InMemoryGroup group = groups.get(name);
    if (group == null) {
      throw new SubscribeException(
          "COMMS-MEMORY-006",
          FailureKind.PERMANENT,
          "group: " + name + " (expected: one of " + groups.keySet() + ")",
          null);
    }
    return group;
  }

  private void checkOpen() {
    if (closed) {
      throw new TransportClosedException(NAME);
    }
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private @Nullable CommsRuntime runtime;
    private CommsObserver observer = CommsObserver.logging();
    private int maxBacklog = 1_000_000;
    private int maxMessageBytes = 1024 * 1024;
    private String source = DefaultSource.NONE;

    private Builder() {}

    /**
     * Sets the source of messages that were built without one, usually the name of the service.
     *
     * @param source URI reference such as {@code /orders}, 1 to 256 characters; default {@code /}
     * @return this
     */
    public Builder source(String source) {
      this.source = DefaultSource.checked(source);
      return this;
    }

    /**
     * Sets the source of time, randomness and threads. By default the transport creates and closes
     * a {@link SystemRuntime} of its own.
     *
     * @param runtime must outlive the transport
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets the observer of the subscriptions' events.
     *
     * @param observer default {@link CommsObserver#logging()}, which {@link CommsObserver#and}
     *     keeps beside another
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Sets the maximum number of messages that wait for one group. Beyond it, publishes fail with
     * {@code NOT_SENT}.
     *
     * @param maxBacklog 1 to 100,000,000, default 1,000,000
     * @return this
     */
    public Builder maxBacklog(int maxBacklog) {
      this.maxBacklog = Checks.inRange("maxBacklog", maxBacklog, 1, 100_000_000);
      return this;
    }

    /**
     * Sets the largest body that publishes accept and subscriptions decode.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB, default 1 MiB
     * @return this
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      this.maxMessageBytes =
          Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024);
      return this;
    }

    /**
     * Builds the transport.
     *
     * @return new transport; the caller closes it
     */
    public InMemoryTransport build() {
      return new InMemoryTransport(this);
    }
  }
}
