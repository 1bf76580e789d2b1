package io.commslib.rabbit;

import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Address of RabbitMQ and settings of its transport. Immutable. */
public final class RabbitTransportConfig {

  private final Builder settings;

  private RabbitTransportConfig(Builder settings) {
    this.settings = settings;
  }

  /**
   * Starts a configuration.
   *
   * @param uri {@code amqp://user:password@host:port/vhost} or {@code amqps://...}, without a
   *     query. Several hosts of one cluster are separated by commas, {@code host1:port,host2:port};
   *     a connect tries each in turn for up to the operation timeout, and after a lost connection
   *     first the host after the lost one. A host is a name, which may contain an underscore, an
   *     IPv4 address, or an IPv6 address in brackets. Characters of user, password and virtual host
   *     that have a meaning in a URI must be percent-encoded. With {@code amqps} the broker's
   *     certificate is checked against the JVM's trust store, and its host name against the
   *     certificate; {@link Builder#tls} sets other authorities. Defaults: port 5672, or 5671 for
   *     {@code amqps}; user and password {@code guest}; virtual host {@code /}
   * @return new builder
   * @throws IllegalArgumentException if the URI is invalid. The message names the invalid part and
   *     its rule but shows no part of the URI, since any may belong to a password
   */
  public static Builder builder(String uri) {
    return new Builder(uri);
  }

  /** {@return the address, whose text omits user and password} */
  RabbitAddress address() {
    return settings.address;
  }

  /** {@return the name in the broker's list of connections, default {@code commslib}} */
  public String connectionName() {
    return settings.connectionName;
  }

  /**
   * {@return the maximum duration of a publish, the wait for capacity included, 1 s to 10 min,
   * default 15 s}
   */
  public Duration publishTimeout() {
    return settings.publishTimeout;
  }

  /**
   * {@return the maximum duration of each connect to a host, declaration, subscription and read of
   * dead letters, 1 s to 10 min, default 15 s}
   */
  public Duration operationTimeout() {
    return settings.operationTimeout;
  }

  /** {@return the heartbeat interval of the connections, 1 s to 10 min, default 15 s} */
  public Duration heartbeat() {
    return settings.heartbeat;
  }

  /** {@return the maximum number of unconfirmed publishes, 1 to 100,000, default 1,000} */
  public int maxUnconfirmed() {
    return settings.maxUnconfirmed;
  }

  /** {@return the maximum body in bytes, sent or received, 1 KiB to 64 MiB, default 1 MiB} */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /** {@return the backoff between attempts to reconnect, default exponential, 200 ms to 5 s} */
  public Backoff reconnect() {
    return settings.reconnect;
  }

  /** {@return the source of messages that are built without one, default {@code /}} */
  public String source() {
    return settings.source;
  }

  @Nullable TlsIdentity tls() {
    return settings.tls;
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

  Map<Destination, RabbitBinding> bindings() {
    return settings.bindings;
  }

  Function<Destination, RabbitBinding> otherBindings() {
    return settings.otherBindings;
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
        + ", bindings="
        + bindings().keySet()
        + (settings.tls == null ? "" : ", tls=" + settings.tls.name())
        + "}";
  }

  /** Builds a configuration. Not thread-safe. */
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
    private @Nullable MessageFormat structuredEvents;
    private @Nullable TlsIdentity tls;
    private Consumer<ConnectionFactory> nativeSettings = factory -> {};

    private final Map<Destination, RabbitBinding> bindings = new LinkedHashMap<>();
    private Function<Destination, RabbitBinding> otherBindings = RabbitBinding::standard;

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
      this.tls = other.tls;
      this.nativeSettings = other.nativeSettings;
      this.bindings.putAll(other.bindings);
      this.otherBindings = other.otherBindings;
    }

    /**
     * Sets the name in the broker's list of connections. The transport appends the role of each
     * connection.
     *
     * @param connectionName any text, default {@code commslib}
     * @return this
     */
    public Builder connectionName(String connectionName) {
      this.connectionName = Objects.requireNonNull(connectionName, "connectionName");
      return this;
    }

    /**
     * Sets the maximum duration of a publish, the waits for capacity and for the broker's confirm
     * included. Raise it for a slow broker; lower it to detect a stalled broker earlier.
     *
     * @param publishTimeout 1 s to 10 min, default 15 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder publishTimeout(Duration publishTimeout) {
      this.publishTimeout =
          Checks.inRange(
              "publishTimeout", publishTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the maximum duration of each connect to a host, declaration, subscription and read of
     * dead letters.
     *
     * @param operationTimeout 1 s to 10 min, default 15 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder operationTimeout(Duration operationTimeout) {
      this.operationTimeout =
          Checks.inRange(
              "operationTimeout", operationTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the heartbeat interval of the connections. A silent connection counts as lost after
     * about two and a quarter intervals. Lower it to detect a silent broker earlier.
     *
     * @param heartbeat 1 s to 10 min in whole seconds, default 15 s; the broker may request less
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder heartbeat(Duration heartbeat) {
      this.heartbeat =
          Checks.inRange("heartbeat", heartbeat, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the maximum number of unconfirmed publishes. A further publish blocks its caller for up
     * to the publish timeout. Raise it for more throughput on a slow network; lower it to bound
     * memory.
     *
     * @param maxUnconfirmed 1 to 100,000, default 1,000
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxUnconfirmed(int maxUnconfirmed) {
      this.maxUnconfirmed = Checks.inRange("maxUnconfirmed", maxUnconfirmed, 1, 100_000);
      return this;
    }

    /**
     * Sets the maximum body in bytes, sent or received. A larger publish fails; a larger received
     * message is dead-lettered.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB, default 1 MiB
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      this.maxMessageBytes =
          Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024);
      return this;
    }

    /**
     * Sets the source of messages that are built without one: the name of the service. Ids are
     * unique per source only, so two services must not share a source.
     *
     * @param source URI reference such as {@code /orders}, 1 to 256 characters, default {@code /}
     * @return this
     */
    public Builder source(String source) {
      this.source = DefaultSource.checked(source);
      return this;
    }

    /**
     * Sets the backoff between attempts to reconnect.
     *
     * @param reconnect the backoff, default exponential from 200 ms to 5 s
     * @return this
     */
    public Builder reconnect(Backoff reconnect) {
      this.reconnect = Objects.requireNonNull(reconnect, "reconnect");
      return this;
    }

    /**
     * Sets the exchange and queues of a destination. Without a binding a topic is the fanout
     * exchange of its name, a queue is the quorum queue of its name, and a group of a topic has the
     * quorum queue {@code <topic>@<group>}. Replaces an earlier binding of the destination.
     *
     * @param destination the destination, which must be declared before it is used
     * @param binding its exchange or queue, default none
     * @return this
     * @throws IllegalArgumentException if a topic is bound to a queue, or the binding names one
     *     queue twice
     */
    public Builder bind(Destination destination, RabbitBinding binding) {
      Objects.requireNonNull(destination, "destination");
      BindingNames.check(destination, binding);
      bindings.put(destination, binding);
      return this;
    }

    /** Sets the bindings of destinations that are not known in advance. */
    Builder otherBindings(Function<Destination, RabbitBinding> otherBindings) {
      this.otherBindings = otherBindings;
      return this;
    }

    /**
     * Sets the certificate of this process and the authorities by which the broker is checked. Host
     * names stay checked. Each new connection uses the current files of the identity; an open one
     * keeps what it began with.
     *
     * @param identity outlives the transport; requires {@code amqps}; default the JVM's trust store
     *     and no certificate
     * @return this
     */
    public Builder tls(TlsIdentity identity) {
      this.tls = Objects.requireNonNull(identity, "identity");
      return this;
    }

    /**
     * Sets a callback for client settings beyond this configuration, such as TLS. The library sets
     * recovery, timeouts, heartbeat, body limit and threads afterwards.
     *
     * @param nativeSettings changes the factory; called once per connection role, default no change
     * @return this
     */
    public Builder nativeSettings(Consumer<ConnectionFactory> nativeSettings) {
      this.nativeSettings = Objects.requireNonNull(nativeSettings, "nativeSettings");
      return this;
    }

    /**
     * Sets the source of time, randomness and threads.
     *
     * @param runtime must outlive the transport; by default the transport creates its own runtime
     *     and closes it
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Sets the reader of CloudEvents in structured mode. Binary mode is always read and always
     * written.
     *
     * @param structuredEvents for example {@code CloudEventsJson} of {@code commslib-jackson};
     *     default none, and structured records are dead-lettered
     * @return this
     */
    public Builder structuredEvents(MessageFormat structuredEvents) {
      this.structuredEvents = Objects.requireNonNull(structuredEvents, "structuredEvents");
      return this;
    }

    /**
     * Sets the observer of the subscriptions.
     *
     * @param observer default {@link CommsObserver#logging()}; {@link CommsObserver#and} combines
     *     it with one of your own
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return the immutable configuration
     * @throws IllegalArgumentException if the redrive exchange of a binding is also an exchange of
     *     another binding, and not that for the same queue; or if {@code tls} is set without {@code
     *     amqps}
     */
    public RabbitTransportConfig build() {
      Checks.check(tls == null || address.isTls(), "tls", address, "a URI with amqps");
      bindings.forEach(
          (destination, binding) ->
              bindings.forEach(
                  (other, beside) -> {
                    if (!destination.equals(other)) {
                      BindingNames.checkBeside(destination, binding, beside);
                    }
                  }));
      return new RabbitTransportConfig(new Builder(this));
    }
  }
}
