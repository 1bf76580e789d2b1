package io.commslib.core.inmemory;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.checks.Checks;
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
import io.commslib.core.wire.WireMessage;
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
 * A broker inside this process, with topics, queues and groups: for tests, examples and small
 * applications. Messages go through the same envelope and the same engine as with a real broker and
 * are gone with the process.
 *
 * <p>A topic keeps messages for the groups that exist when they are published. Thread-safe. Under
 * {@link io.commslib.core.time.VirtualTime} everything runs on the test's thread.
 */
public final class InMemoryTransport implements MessageTransport {

  private static final String NAME = "memory";
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
  private final CloudEventsEnvelope envelope;
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
    this.envelope =
        new CloudEventsEnvelope(
            CloudEventsEnvelope.KAFKA_PREFIX,
            null,
            new DefaultSource("transport " + NAME, builder.source));
    this.deadLetters = new InMemoryDeadLetters(this::knownGroup, envelope);
  }

  /**
   * Creates a transport with the defaults, which makes and closes a runtime of its own.
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
    if (config.isVerifyOnly() && !destinations.containsKey(config.destination())) {
      throw new SubscribeException(
          "COMMS-MEMORY-006",
          FailureKind.PERMANENT,
          config.destination() + " does not exist (expected: it does, it was declared verify-only)",
          null);
    }
    DeclaredDestination place =
        destinations.computeIfAbsent(config.destination(), name -> new DeclaredDestination(config));
    if (!config.isVerifyOnly() && place.config.isOptional() != config.isOptional()) {
      throw new SubscribeException(
          "COMMS-MEMORY-007",
          FailureKind.PERMANENT,
          config.destination()
              + " optional: "
              + config.isOptional()
              + " (expected: "
              + place.config.isOptional()
              + ", as declared before)",
          null);
    }
    for (String group : config.groups()) {
      boolean taken =
          config.destination().kind() == Destination.Kind.QUEUE && !place.groups.isEmpty();
      if (config.isVerifyOnly() || taken) {
        knownGroup(config.destination(), group);
      } else {
        group(place, group);
      }
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
   * Puts a record on a destination as a program that does not know this library would: for every
   * group, unchecked. For tests of what happens to foreign records.
   *
   * @param to a declared destination
   * @param record key, headers and body as they are to be received
   * @throws IllegalArgumentException if the destination was not declared
   * @throws TransportClosedException if the transport is closed
   */
  public void publishRaw(Destination to, WireMessage record) {
    checkOpen();
    DeclaredDestination place = destinations.get(to);
    Checks.check(place != null, "destination", to, "a declared one");
    Objects.requireNonNull(place).groups.values().forEach(group -> group.add(record));
  }

  private CompletionStage<PublishReceipt> publish(Destination to, Message message) {
    checkOpen();
    DeclaredDestination place = destinations.get(to);
    Optional<PublishException> refusal = refusal(to, place, message);
    if (refusal.isPresent()) {
      return CompletableFuture.failedStage(refusal.get());
    }
    WireMessage wire = envelope.encode(message);
    List<String> positions = new ArrayList<>();
    Objects.requireNonNull(place).groups.values().forEach(group -> positions.add(group.add(wire)));
    return CompletableFuture.completedStage(
        new PublishReceipt(message.id(), to, String.join(" ", positions)));
  }

  private Optional<PublishException> refusal(
      Destination to, @Nullable DeclaredDestination place, Message message) {
    if (place == null) {
      return refused(
          "COMMS-MEMORY-001", FailureKind.TRANSIENT, to, message, Declarations.undeclared(to));
    }
    if (message.deliverAt().isPresent()) {
      return refused(
          "COMMS-MEMORY-005", FailureKind.PERMANENT, to, message, Declarations.delayed(message));
    }
    int size = message.bodyLength();
    if (size > maxMessageBytes) {
      String text =
          "message bytes: "
              + size
              + " (expected: 0.."
              + maxMessageBytes
              + ", maxMessageBytes of the transport)";
      return refused("COMMS-MEMORY-003", FailureKind.PERMANENT, to, message, text);
    }
    if (place.groups.isEmpty() && !place.config.isOptional()) {
      return refused(
          "COMMS-MEMORY-002",
          FailureKind.TRANSIENT,
          to,
          message,
          "groups: none (expected: one or more, or a destination that was declared optional)");
    }
    if (place.groups.values().stream().anyMatch(InMemoryGroup::isFull)) {
      return refused(
          "COMMS-MEMORY-004",
          FailureKind.TRANSIENT,
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
      String code, FailureKind kind, Destination to, Message message, String text) {
    return Optional.of(
        new PublishException(code, kind, SendCertainty.NOT_SENT, to, message.id(), text, null));
  }

  private Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
    checkOpen();
    CAPABILITIES.check(NAME, config);
    DeclaredDestination place = destinations.get(config.destination());
    if (place == null) {
      throw new SubscribeException(
          "COMMS-MEMORY-006",
          FailureKind.PERMANENT,
          Declarations.undeclared(config.destination()),
          null);
    }
    if (config.destination().kind() == Destination.Kind.QUEUE
        && !place.groups.containsKey(config.group())) {
      throw new SubscribeException(
          "COMMS-MEMORY-008",
          FailureKind.PERMANENT,
          "group: "
              + config.group()
              + " (expected: "
              + place.groups.keySet()
              + ", the group of "
              + config.destination()
              + ")",
          null);
    }
    InMemoryGroup group = group(place, config.group());
    GroupMember member = new GroupMember();
    member.attach(
        DeliveryEngine.builder(config, handler)
            .transport(NAME)
            .runtime(runtime)
            .envelope(envelope)
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

  /** What the member holds goes back as if its process had died; it joins again after the pause. */
  private void crash(InMemoryGroup group, GroupMember member, Duration pause) {
    runtime.scheduler().schedule(pause, () -> group.rejoin(member));
    member.engine().revoke(member);
    group.remove(member);
  }

  private InMemoryGroup group(DeclaredDestination place, String name) {
    return place.groups.computeIfAbsent(
        name,
        group ->
            new InMemoryGroup(
                place.config.destination().name() + "." + group, maxBacklog, runtime.scheduler()));
  }

  private InMemoryGroup knownGroup(Destination source, String name) {
    DeclaredDestination place = destinations.get(source);
    InMemoryGroup group = place == null ? null : place.groups.get(name);
    if (group == null) {
      throw new SubscribeException(
          "COMMS-MEMORY-006",
          FailureKind.PERMANENT,
          place == null
              ? Declarations.undeclared(source)
              : "group: " + name + " (expected: one of " + place.groups.keySet() + ")",
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
     * Sets the source of messages that were built without one: the name of the service.
     *
     * @param source URI reference such as {@code /orders}, 1 to 256 characters; default {@code /}
     * @return this
     */
    public Builder source(String source) {
      this.source = DefaultSource.checked(source);
      return this;
    }

    /**
     * Sets time, randomness and threads; without it the transport makes a {@link SystemRuntime} of
     * its own.
     *
     * @param runtime outlives the transport
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets who is told what the subscriptions do.
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
     * Sets how many messages may wait for one group; beyond that publishes fail {@code NOT_SENT}.
     *
     * @param maxBacklog 1 to 100,000,000, default 1,000,000
     * @return this
     */
    public Builder maxBacklog(int maxBacklog) {
      this.maxBacklog = Checks.inRange("maxBacklog", maxBacklog, 1, 100_000_000);
      return this;
    }

    /**
     * Sets the largest body accepted.
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
