package io.commslib.kafka;

import io.commslib.core.checks.Checks;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.wire.DefaultSource;
import io.commslib.core.wire.StructuredEvents;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How to reach Kafka and how to use it. Immutable. */
public final class KafkaTransportConfig {

  private static final Pattern SERVERS =
      Pattern.compile("[^,:@\\s]+:[0-9]{1,5}(,[^,:@\\s]+:[0-9]{1,5})*");

  /** User and password of a URI, which is a common mistake. */
  private static final Pattern USER_INFO = Pattern.compile("(?s)^([a-z+]+://)?.*@");

  private static final Pattern MEMBER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

  /** Settings that decide what is lost, doubled or reordered; they are the library's. */
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
   * @param bootstrapServers {@code host:port}, several separated by commas; user and password are
   *     client settings
   * @return new builder
   */
  public static Builder builder(String bootstrapServers) {
    return new Builder(bootstrapServers);
  }

  /**
   * Returns where the brokers are.
   *
   * @return {@code host:port,...}
   */
  public String bootstrapServers() {
    return settings.bootstrapServers;
  }

  /**
   * Returns how long a publish may take, waiting for room included.
   *
   * @return 1 s to 10 min, default 15 s
   */
  public Duration publishTimeout() {
    return settings.publishTimeout;
  }

  /**
   * Returns how long declaring, subscribing and reading dead letters may take, each.
   *
   * @return 1 s to 10 min, default 15 s
   */
  public Duration operationTimeout() {
    return settings.operationTimeout;
  }

  /**
   * Returns how often finished offsets are committed.
   *
   * @return 10 ms to 1 min, default 200 ms
   */
  public Duration commitInterval() {
    return settings.commitInterval;
  }

  /**
   * Returns after which silence the broker takes a consumer for dead.
   *
   * @return 6 s to 30 min, default 10 s
   */
  public Duration sessionTimeout() {
    return settings.sessionTimeout;
  }

  /**
   * Returns the largest body accepted.
   *
   * @return 1 KiB to 64 MiB, default 1 MiB
   */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /**
   * Returns the replication factor of topics this transport creates.
   *
   * @return 1 to 100, or empty for the broker's default
   */
  public Optional<Integer> replicationFactor() {
    return Optional.ofNullable(settings.replicationFactor);
  }

  /**
   * Returns the stable name of this process among the members of its groups.
   *
   * @return the name, or empty for members that leave when they close
   */
  public Optional<String> memberId() {
    return Optional.ofNullable(settings.memberId);
  }

  /**
   * Returns how members of a group agree on who has which partition.
   *
   * @return default {@link GroupProtocol#CLASSIC}
   */
  public GroupProtocol groupProtocol() {
    return settings.groupProtocol;
  }

  /**
   * Returns the client settings passed through, such as TLS and SASL.
   *
   * @return unmodifiable
   */
  public Map<String, Object> clientSettings() {
    return Map.copyOf(settings.clientSettings);
  }

  /**
   * The source of messages that were built without one.
   *
   * @return default {@code /}
   */
  public String source() {
    return settings.source;
  }

  Optional<CommsRuntime> runtime() {
    return Optional.ofNullable(settings.runtime);
  }

  @Nullable StructuredEvents structuredEvents() {
    return settings.structuredEvents;
  }

  CommsObserver observer() {
    return settings.observer;
  }

  /**
   * Returns the effective settings; values of client settings are left out, they may be secrets.
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
        + ", replicationFactor="
        + replicationFactor()
        + ", groupProtocol="
        + groupProtocol()
        + ", memberId="
        + memberId()
        + ", source="
        + source()
        + ", clientSettings="
        + settings.clientSettings.keySet()
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
    private @Nullable Integer replicationFactor;
    private String source = DefaultSource.NONE;
    private @Nullable String memberId;
    private final Map<String, Object> clientSettings = new TreeMap<>();
    private @Nullable CommsRuntime runtime;
    private CommsObserver observer = CommsObserver.logging();
    private @Nullable StructuredEvents structuredEvents;

    private Builder(String bootstrapServers) {
      Objects.requireNonNull(bootstrapServers, "bootstrapServers");
      // What is refused is quoted.
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
      this.replicationFactor = other.replicationFactor;
      this.source = other.source;
      this.memberId = other.memberId;
      this.clientSettings.putAll(other.clientSettings);
      this.runtime = other.runtime;
      this.observer = other.observer;
      this.structuredEvents = other.structuredEvents;
    }

    /**
     * Sets how long a publish may take.
     *
     * @param publishTimeout 1 s to 10 min
     * @return this
     */
    public Builder publishTimeout(Duration publishTimeout) {
      this.publishTimeout =
          Checks.inRange(
              "publishTimeout", publishTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets how long declaring, subscribing and reading dead letters may take.
     *
     * @param operationTimeout 1 s to 10 min
     * @return this
     */
    public Builder operationTimeout(Duration operationTimeout) {
      this.operationTimeout =
          Checks.inRange(
              "operationTimeout", operationTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets how often finished offsets are committed: what a crash delivers again.
     *
     * @param commitInterval 10 ms to 1 min
     * @return this
     */
    public Builder commitInterval(Duration commitInterval) {
      this.commitInterval =
          Checks.inRange(
              "commitInterval", commitInterval, Duration.ofMillis(10), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets after which silence the broker takes a consumer for dead and gives its partitions to
     * others.
     *
     * @param sessionTimeout 6 s to 30 min; the broker has bounds of its own
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
     * Sets how members of a group agree on who has which partition.
     *
     * @param groupProtocol default {@link GroupProtocol#CLASSIC}; with {@link
     *     GroupProtocol#CONSUMER} the broker sets the session timeout, so it can't be set here
     * @return this
     */
    public Builder groupProtocol(GroupProtocol groupProtocol) {
      this.groupProtocol = Objects.requireNonNull(groupProtocol, "groupProtocol");
      return this;
    }

    /**
     * Sets the largest body accepted; the broker has a bound of its own.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB
     * @return this
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      this.maxMessageBytes =
          Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024);
      return this;
    }

    /**
     * Sets the replication factor of topics this transport creates.
     *
     * @param replicationFactor 1 to 100
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
     * Gives this process a stable name among the members of its groups, so that after a crash it
     * has its partitions back at once instead of after the session timeout. Two live processes of
     * one group must not share a name; a process with a name keeps its partitions for the session
     * timeout after it closed.
     *
     * @param memberId 1 to 100 characters of {@code A-Za-z0-9._-}
     * @return this
     */
    public Builder memberId(String memberId) {
      this.memberId = Checks.matches("memberId", memberId, MEMBER, "1..100 of A-Z a-z 0-9 . _ -");
      return this;
    }

    /**
     * Passes a setting to all Kafka clients, for example {@code security.protocol}.
     *
     * @param name Kafka's name of the setting
     * @param value Kafka's value
     * @return this
     * @throws IllegalArgumentException if the library owns that setting
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
     * Sets time, randomness and threads; without it the transport makes a runtime of its own.
     *
     * @param runtime outlives the transport
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets who reads CloudEvents in structured mode; binary mode is always read, and always
     * written.
     *
     * @param structuredEvents for example {@code CloudEventsJson} of {@code commslib-jackson};
     *     without one such records go to the dead letters
     * @return this
     */
    public Builder structuredEvents(StructuredEvents structuredEvents) {
      this.structuredEvents = Objects.requireNonNull(structuredEvents, "structuredEvents");
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
     * Builds the configuration.
     *
     * @return immutable configuration
     * @throws IllegalArgumentException if {@code commitInterval} is not below {@code
     *     sessionTimeout}
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
      return new KafkaTransportConfig(new Builder(this));
    }
  }
}
