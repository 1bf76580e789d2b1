package io.commslib.kafka;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The address of a Kafka cluster and how a {@link KafkaTransport} uses it. Immutable. */
public final class KafkaTransportConfig {

  private static final String SERVER = "(?:[^,:@\\s\\[\\]]+|\\[[0-9A-Fa-f:.]+]):[0-9]{1,5}";

  private static final Pattern SERVERS = Pattern.compile(SERVER + "(?:," + SERVER + ")*");

  /** User and password in a URI, which is a common mistake. */
  private static final Pattern USER_INFO = Pattern.compile("(?s)^([a-z+]+://)?.*@");

  private static final Pattern MEMBER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

  /** Settings that decide about loss, duplicates and order; the library sets them itself. */
  private static final Set<String> OWNED =
      Set.of(
          "bootstrap.servers",
          "enable.auto.commit",
          "auto.offset.reset",
          "group.id",
          "group.instance.id",
          "group.protocol",
          "partition.assignment.strategy",
          "isolation.level",
          "session.timeout.ms",
          "max.poll.records",
          "acks",
          "compression.type",
          "enable.idempotence",
          "max.in.flight.requests.per.connection",
          "retries",
          "delivery.timeout.ms",
          "request.timeout.ms",
          "max.block.ms",
          "linger.ms",
          "max.request.size",
          "transactional.id",
          "key.serializer",
          "value.serializer",
          "key.deserializer",
          "value.deserializer",
          "partitioner.class",
          "interceptor.classes");

  private final Builder settings;

  private KafkaTransportConfig(Builder settings) {
    this.settings = settings;
  }

  /**
   * Starts a configuration.
   *
   * @param bootstrapServers {@code host:port}, several separated by commas, an IPv6 address in
   *     brackets; without user and password, which are client settings
   * @return new builder
   * @throws IllegalArgumentException if the address has another form; the text hides a password
   */
  public static Builder builder(String bootstrapServers) {
    return new Builder(bootstrapServers);
  }

  /** {@return the addresses of the brokers, {@code host:port,...}} */
  public String bootstrapServers() {
    return settings.bootstrapServers;
  }

  /**
   * {@return the longest time of a publish, including the wait for buffer capacity; 1 s to 10 min}
   */
  public Duration publishTimeout() {
    return settings.publishTimeout;
  }

  /**
   * {@return the longest time of a declaration, a subscription, or a read of dead letters; 1 s to
   * 10 min}
   */
  public Duration operationTimeout() {
    return settings.operationTimeout;
  }

  /** {@return the interval in which finished offsets are committed; 10 ms to 1 min} */
  public Duration commitInterval() {
    return settings.commitInterval;
  }

  /** {@return the silence after which the broker considers a consumer dead; 6 s to 30 min} */
  public Duration sessionTimeout() {
    return settings.sessionTimeout;
  }

  /** {@return the size of the largest accepted body in bytes; 1 KiB to 64 MiB} */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /**
   * {@return the replication factor of topics that this transport creates; empty for the broker's
   * default}
   */
  public Optional<Integer> replicationFactor() {
    return Optional.ofNullable(settings.replicationFactor);
  }

  /**
   * {@return the stable name of this process in its groups; empty if its members leave on close}
   */
  public Optional<String> memberId() {
    return Optional.ofNullable(settings.memberId);
  }

  /** {@return the compression of published batches} */
  public Compression compression() {
    return settings.compression;
  }

  /** {@return the protocol by which the members of a group share the partitions} */
  public GroupProtocol groupProtocol() {
    return settings.groupProtocol;
  }

  /** {@return the settings passed to all Kafka clients, such as TLS and SASL; unmodifiable} */
  public Map<String, Object> clientSettings() {
    TlsIdentity identity = settings.tls;
    return identity == null
        ? Map.copyOf(settings.clientSettings)
        : TlsSettings.with(identity, settings.clientSettings);
  }

  /** {@return the source of messages that were built without one} */
  public String source() {
    return settings.source;
  }

  KafkaBindings bindings() {
    return settings.bindingFunction == null
        ? new KafkaBindings(settings.bindings)
        : new KafkaBindings(settings.bindingFunction);
  }

  Optional<CommsRuntime> runtime() {
    return Optional.ofNullable(settings.runtime);
  }

  @Nullable MessageFormat structuredEvents() {
    return settings.structuredEvents;
  }

  CommsObserver observer() {
    return settings.observer;
  }

  /**
   * Returns the effective settings. Values of client settings are left out, since they may be
   * secrets.
   *
   * @return text for logs
   */
  @Override
  public String toString() {
    return "KafkaTransportConfig{bootstrapServers="
        + bootstrapServers()
        + ", publishTimeout="
        + publishTimeout()
        + ", operationTimeout="
        + operationTimeout()
        + ", commitInterval="
        + commitInterval()
        + ", sessionTimeout="
        + sessionTimeout()
        + ", maxMessageBytes="
        + maxMessageBytes()
        + ", compression="
        + compression()
        + ", replicationFactor="
        + replicationFactor()
        + ", groupProtocol="
        + groupProtocol()
        + ", memberId="
        + memberId()
        + ", source="
        + source()
        + ", bindings="
        + new TreeMap<>(settings.boundNames())
        + ", clientSettings="
        + settings.clientSettings.keySet()
        + (settings.tls == null ? "" : ", tls=" + settings.tls.name())
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final String bootstrapServers;
    private Duration publishTimeout = Duration.ofSeconds(15);
    private Duration operationTimeout = Duration.ofSeconds(15);
    private Duration commitInterval = Duration.ofMillis(200);
    private Duration sessionTimeout = Duration.ofSeconds(10);
    private boolean sessionTimeoutSet;
    private GroupProtocol groupProtocol = GroupProtocol.CLASSIC;
    private int maxMessageBytes = 1024 * 1024;
    private Compression compression = Compression.NONE;
    private @Nullable Integer replicationFactor;
    private String source = DefaultSource.NONE;
    private @Nullable String memberId;
    private final Map<String, Object> clientSettings = new TreeMap<>();
    private final Map<Destination, KafkaBinding> bindings = new HashMap<>();
    private @Nullable Function<Destination, @Nullable KafkaBinding> bindingFunction;
    private @Nullable TlsIdentity tls;
    private @Nullable CommsRuntime runtime;
    private CommsObserver observer = CommsObserver.logging();
    private @Nullable MessageFormat structuredEvents;

    private Builder(String bootstrapServers) {
      Objects.requireNonNull(bootstrapServers, "bootstrapServers");
      // The error quotes the rejected text.
      String shown = USER_INFO.matcher(bootstrapServers).replaceFirst("$1***@");
      this.bootstrapServers =
          Checks.matches("bootstrapServers", shown, SERVERS, "host:port,host:port,...");
    }

    private Builder(Builder other) {
      this.bootstrapServers = other.bootstrapServers;
      this.publishTimeout = other.publishTimeout;
      this.operationTimeout = other.operationTimeout;
      this.commitInterval = other.commitInterval;
      this.sessionTimeout = other.sessionTimeout;
      this.sessionTimeoutSet = other.sessionTimeoutSet;
      this.groupProtocol = other.groupProtocol;
      this.maxMessageBytes = other.maxMessageBytes;
      this.compression = other.compression;
      this.replicationFactor = other.replicationFactor;
      this.source = other.source;
      this.memberId = other.memberId;
      this.clientSettings.putAll(other.clientSettings);
      this.bindings.putAll(other.bindings);
      this.bindingFunction = other.bindingFunction;
      this.tls = other.tls;
      this.runtime = other.runtime;
      this.observer = other.observer;
      this.structuredEvents = other.structuredEvents;
    }

    /**
     * Sets the longest time of a publish, including the wait for capacity in the client's buffer. A
     * publish that the broker has not confirmed by then fails, and the failure states whether the
     * broker may have the message. Raise it to bridge longer outages, lower it to report them
     * earlier.
     *
     * @param publishTimeout 1 s to 10 min; default 15 s
     * @return this
     */
    public Builder publishTimeout(Duration publishTimeout) {
      this.publishTimeout =
          Checks.inRange(
              "publishTimeout", publishTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the longest time of each declaration, each subscription, and each read of dead letters
     * without progress.
     *
     * @param operationTimeout 1 s to 10 min; default 15 s
     * @return this
     */
    public Builder operationTimeout(Duration operationTimeout) {
      this.operationTimeout =
          Checks.inRange(
              "operationTimeout", operationTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the interval in which finished offsets are committed. After a crash, what was finished
     * since the last commit is redelivered. Lower it for fewer redeliveries, raise it for fewer
     * requests.
     *
     * @param commitInterval 10 ms to 1 min, less than the session timeout; default 200 ms
     * @return this
     */
    public Builder commitInterval(Duration commitInterval) {
      this.commitInterval =
          Checks.inRange(
              "commitInterval", commitInterval, Duration.ofMillis(10), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets the silence after which the broker considers a consumer dead and assigns its partitions
     * to other members. Lower it for a faster takeover, raise it for long pauses of the JVM.
     *
     * @param sessionTimeout 6 s to 30 min, within the broker's own limits; default 10 s. Must not
     *     be set with {@link GroupProtocol#CONSUMER}
     * @return this
     */
    public Builder sessionTimeout(Duration sessionTimeout) {
      this.sessionTimeout =
          Checks.inRange(
              "sessionTimeout", sessionTimeout, Duration.ofSeconds(6), Duration.ofMinutes(30));
      this.sessionTimeoutSet = true;
      return this;
    }

    /**
     * Sets the protocol by which the members of a group share the partitions.
     *
     * @param groupProtocol default {@link GroupProtocol#CLASSIC}. With {@link
     *     GroupProtocol#CONSUMER} the broker decides the session timeout, so it can't be set here
     * @return this
     */
    public Builder groupProtocol(GroupProtocol groupProtocol) {
      this.groupProtocol = Objects.requireNonNull(groupProtocol, "groupProtocol");
      return this;
    }

    /**
     * Sets the size of the largest body that can be published. The broker and the topic have limits
     * of their own.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB; default 1 MiB
     * @return this
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      this.maxMessageBytes =
          Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024);
      return this;
    }

    /**
     * Sets how published batches are compressed, dead letters included. Every consumer of the
     * topics must know the method. Processes with different values can share a topic.
     *
     * @param compression default {@link Compression#NONE}, which every client reads
     * @return this
     */
    public Builder compression(Compression compression) {
      this.compression = Objects.requireNonNull(compression, "compression");
      return this;
    }

    /**
     * Sets the replication factor of topics that this transport creates.
     *
     * @param replicationFactor 1 to 100; default the broker's
     * @return this
     */
    public Builder replicationFactor(int replicationFactor) {
      this.replicationFactor = Checks.inRange("replicationFactor", replicationFactor, 1, 100);
      return this;
    }

    /**
     * Sets the source of messages that were built without one: the name of the service. Ids are
     * unique per source only, so two services must not share one.
     *
     * @param source URI reference such as {@code /orders}, 1 to 256 characters; default {@code /}
     * @return this
     */
    public Builder source(String source) {
      this.source = DefaultSource.checked(source);
      return this;
    }

    /**
     * Gives this process a stable name in its groups, so that it has its partitions back
     * immediately after a restart instead of after the session timeout. Two live processes of one
     * group must not share a name. A process with a name keeps its partitions for the session
     * timeout after it has closed.
     *
     * @param memberId 1 to 100 characters of {@code A-Za-z0-9._-}; default none
     * @return this
     */
    public Builder memberId(String memberId) {
      this.memberId = Checks.matches("memberId", memberId, MEMBER, "1..100 of A-Z a-z 0-9 . _ -");
      return this;
    }

    /**
     * Passes a setting to all Kafka clients, for example {@code security.protocol}.
     *
     * @param name Kafka's name of the setting; default none
     * @param value Kafka's value
     * @return this
     * @throws IllegalArgumentException if the library owns the setting; the text lists these
     */
    public Builder clientSetting(String name, Object value) {
      Checks.check(
          !OWNED.contains(name),
          "clientSetting",
          name,
          "a setting the library does not own; it owns " + new java.util.TreeSet<>(OWNED));
      clientSettings.put(name, Objects.requireNonNull(value, name));
      return this;
    }

    /**
     * Sets the certificate of this process and the authorities by which the brokers are checked.
     * Sets {@code security.protocol} to {@code SASL_SSL} if a setting of SASL is passed, else to
     * {@code SSL}, unless it is passed itself. Host names are checked. Each new connection uses the
     * current files of the identity; an open one keeps what it began with.
     *
     * @param identity outlives the transport; default none, then client settings configure TLS
     * @return this
     */
    public Builder tls(TlsIdentity identity) {
      this.tls = Objects.requireNonNull(identity, "identity");
      return this;
    }

    /**
     * Adds a destination whose names on Kafka are not the library's. Its own name has only the
     * application then, and may end as it likes. All processes must have the same bindings.
     *
     * @param destination the destination, bound once
     * @param binding its names; default those of the library
     * @return this
     */
    public Builder bind(Destination destination, KafkaBinding binding) {
      Objects.requireNonNull(binding, "binding");
      KafkaBinding before = bindings.putIfAbsent(Objects.requireNonNull(destination), binding);
      Checks.check(before == null, "bind", destination, "a destination that is bound once");
      return this;
    }

    /** Binds destinations that are not known in advance. */
    Builder bindAll(Function<Destination, @Nullable KafkaBinding> function) {
      this.bindingFunction = function;
      return this;
    }

    private Map<String, KafkaBinding> boundNames() {
      Map<String, KafkaBinding> names = new HashMap<>();
      bindings.forEach((destination, binding) -> names.put(destination.toString(), binding));
      return names;
    }

    private void checkBindings() {
      Set<String> used = new HashSet<>();
      bindings.values().forEach(binding -> used.add(binding.topicName()));
      bindings.forEach(
          (destination, binding) -> {
            for (String group : binding.groups()) {
              for (String topic : new GroupNames(destination, group, binding).targets()) {
                Checks.check(
                    used.add(topic),
                    "bind",
                    topic,
                    "a topic of group "
                        + group
                        + " of "
                        + destination
                        + " only, as others may not write to it");
              }
            }
          });
      Set<List<String>> readers = new HashSet<>();
      for (KafkaBinding binding : bindings.values()) {
        for (String group : binding.groups()) {
          String id = binding.groupId(group);
          Checks.check(
              readers.add(List.of(binding.topicName(), id)),
              "bind",
              id,
              "a consumer group of topic " + binding.topicName() + " for one group only");
        }
      }
    }

    /**
     * Sets the source of time, randomness and threads.
     *
     * @param runtime must outlive the transport, which does not close it; default a runtime that
     *     the transport creates and closes
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets the reader of CloudEvents in structured mode. Events in binary mode can always be read,
     * and are always written.
     *
     * @param structuredEvents for example {@code CloudEventsJson} of {@code commslib-jackson};
     *     default none, and structured records become dead letters
     * @return this
     */
    public Builder structuredEvents(MessageFormat structuredEvents) {
      this.structuredEvents = Objects.requireNonNull(structuredEvents, "structuredEvents");
      return this;
    }

    /**
     * Sets the observer of the subscriptions.
     *
     * @param observer default {@link CommsObserver#logging()}; combine observers with {@link
     *     CommsObserver#and}
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     * @throws IllegalArgumentException if {@code commitInterval} is not less than {@code
     *     sessionTimeout}, if the session timeout is set with {@link GroupProtocol#CONSUMER}, if a
     *     topic for dead letters, redriven or deferred messages of a bound group is also used for
     *     anything else, if two groups would read a topic with one consumer group, or if a client
     *     setting contradicts {@code tls}
     */
    public KafkaTransportConfig build() {
      Checks.check(
          commitInterval.compareTo(sessionTimeout) < 0,
          "commitInterval",
          commitInterval,
          "less than sessionTimeout, " + sessionTimeout);
      Checks.check(
          groupProtocol == GroupProtocol.CLASSIC || !sessionTimeoutSet,
          "sessionTimeout",
          sessionTimeout,
          "not set with groupProtocol CONSUMER: the broker's group.consumer.session.timeout.ms"
              + " decides");
      checkBindings();
      if (tls != null) {
        TlsSettings.check(clientSettings);
      }
      return new KafkaTransportConfig(new Builder(this));
    }
  }
}
