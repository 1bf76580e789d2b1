package io.commslib.rabbit;

import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.checks.Checks;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.wire.DefaultSource;
import io.commslib.core.wire.StructuredEvents;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How to reach RabbitMQ and how to use it. Immutable. */
public final class RabbitTransportConfig {

  private final Builder settings;

  private RabbitTransportConfig(Builder settings) {
    this.settings = settings;
  }

  /**
   * Starts a configuration.
   *
   * @param uri {@code amqp://user:password@host:port/vhost} or {@code amqps://...}: one host, and
   *     no query; percent-encoded where user, password or virtual host hold characters that have a
   *     meaning in a URI. Without a path the virtual host is {@code /}
   * @return new builder
   * @throws IllegalArgumentException naming the part of the URI that is wrong and its rule; no part
   *     of the URI is shown, since any may belong to a password
   */
  public static Builder builder(String uri) {
    return new Builder(uri);
  }

  /** The address; as text without user and password. */
  RabbitAddress address() {
    return settings.address;
  }

  /**
   * Returns the name shown in the broker's list of connections.
   *
   * @return default {@code commslib}
   */
  public String connectionName() {
    return settings.connectionName;
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
   * Returns how long connecting, declaring, subscribing and reading dead letters may take, each.
   *
   * @return 1 s to 10 min, default 15 s
   */
  public Duration operationTimeout() {
    return settings.operationTimeout;
  }

  /**
   * Returns after which silence a connection is taken for dead.
   *
   * @return 1 s to 10 min, default 15 s
   */
  public Duration heartbeat() {
    return settings.heartbeat;
  }

  /**
   * Returns how many publishes may be unconfirmed at once.
   *
   * @return 1 to 100,000, default 1,000
   */
  public int maxUnconfirmed() {
    return settings.maxUnconfirmed;
  }

  /**
   * Returns the largest body accepted, to send and to receive.
   *
   * @return 1 KiB to 64 MiB, default 1 MiB
   */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /**
   * Returns the wait between tries to connect again.
   *
   * @return the backoff
   */
  public Backoff reconnect() {
    return settings.reconnect;
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

  Consumer<ConnectionFactory> nativeSettings() {
    return settings.nativeSettings;
  }

  /**
   * Returns the effective settings without user and password.
   *
   * @return text for logs
   */
  @Override
  public String toString() {
    return "RabbitTransportConfig{"
        + address()
        + ", connectionName="
        + connectionName()
        + ", publishTimeout="
        + publishTimeout()
        + ", operationTimeout="
        + operationTimeout()
        + ", heartbeat="
        + heartbeat()
        + ", maxUnconfirmed="
        + maxUnconfirmed()
        + ", maxMessageBytes="
        + maxMessageBytes()
        + ", source="
        + source()
        + ", reconnect="
        + reconnect()
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final RabbitAddress address;
    private String connectionName = "commslib";
    private Duration publishTimeout = Duration.ofSeconds(15);
    private Duration operationTimeout = Duration.ofSeconds(15);
    private Duration heartbeat = Duration.ofSeconds(15);
    private int maxUnconfirmed = 1_000;
    private int maxMessageBytes = 1024 * 1024;
    private String source = DefaultSource.NONE;
    private Backoff reconnect = Backoff.exponential(Duration.ofMillis(200), Duration.ofSeconds(5));
    private @Nullable CommsRuntime runtime;
    private CommsObserver observer = CommsObserver.logging();
    private @Nullable StructuredEvents structuredEvents;
    private Consumer<ConnectionFactory> nativeSettings = factory -> {};

    private Builder(String uri) {
      this.address = RabbitAddress.of(Objects.requireNonNull(uri, "uri"));
    }

    private Builder(Builder other) {
      this.address = other.address;
      this.connectionName = other.connectionName;
      this.publishTimeout = other.publishTimeout;
      this.operationTimeout = other.operationTimeout;
      this.heartbeat = other.heartbeat;
      this.maxUnconfirmed = other.maxUnconfirmed;
      this.maxMessageBytes = other.maxMessageBytes;
      this.source = other.source;
      this.reconnect = other.reconnect;
      this.runtime = other.runtime;
      this.observer = other.observer;
      this.structuredEvents = other.structuredEvents;
      this.nativeSettings = other.nativeSettings;
    }

    /**
     * Sets the name shown in the broker's list of connections.
     *
     * @param connectionName any text
     * @return this
     */
    public Builder connectionName(String connectionName) {
      this.connectionName = Objects.requireNonNull(connectionName, "connectionName");
      return this;
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
     * Sets how long connecting, declaring, subscribing and reading dead letters may take.
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
     * Sets after which silence a connection is taken for dead.
     *
     * @param heartbeat 1 s to 10 min
     * @return this
     */
    public Builder heartbeat(Duration heartbeat) {
      this.heartbeat =
          Checks.inRange("heartbeat", heartbeat, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets how many publishes may be unconfirmed at once; one more waits for room.
     *
     * @param maxUnconfirmed 1 to 100,000
     * @return this
     */
    public Builder maxUnconfirmed(int maxUnconfirmed) {
      this.maxUnconfirmed = Checks.inRange("maxUnconfirmed", maxUnconfirmed, 1, 100_000);
      return this;
    }

    /**
     * Sets the largest body accepted.
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
     * Sets the wait between tries to connect again.
     *
     * @param reconnect the backoff
     * @return this
     */
    public Builder reconnect(Backoff reconnect) {
      this.reconnect = Objects.requireNonNull(reconnect, "reconnect");
      return this;
    }

    /**
     * Sets what the client needs beyond this configuration, such as TLS. Recovery, timeouts,
     * heartbeat and threads are the library's and are set afterwards.
     *
     * @param nativeSettings changes the factory
     * @return this
     */
    public Builder nativeSettings(Consumer<ConnectionFactory> nativeSettings) {
      this.nativeSettings = Objects.requireNonNull(nativeSettings, "nativeSettings");
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
     */
    public RabbitTransportConfig build() {
      return new RabbitTransportConfig(new Builder(this));
    }
  }
}
