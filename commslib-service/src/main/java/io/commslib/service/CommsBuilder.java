package io.commslib.service;

import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.wire.DefaultSource;
import io.commslib.idempotency.InboxConfig;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.Outbox;
import io.commslib.outbox.OutboxConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Collects the settings of a service that differ from the defaults. Only the database, the
 * transport and the event types are required. Not thread-safe; builds one service.
 */
public final class CommsBuilder {

  record Type(String name, int version, Class<?> javaType) {}

  private final String name;
  private final Destinations destinations = new Destinations();
  final List<Type> types = new ArrayList<>();
  private final List<Consumer<Comms>> subscriptions = new ArrayList<>();
  @Nullable DataSource dataSource;
  @Nullable JdbcDatabase database;
  private @Nullable MessageTransport transport;
  private @Nullable TransportFactory transportFactory;
  @Nullable TypeRegistry registry;
  @Nullable Codec codec;
  @Nullable CommsRuntime runtime;
  private @Nullable CommsObserver observer;
  @Nullable TransactionRunner transactions;
  @Nullable Outbox outbox;
  final List<Consumer<OutboxConfig.Builder>> outboxSettings = new ArrayList<>();
  @Nullable LifecycleComponent relay;
  boolean relays = true;
  @Nullable Inbox inbox;
  InboxConfig inboxConfig = InboxConfig.defaults();
  @Nullable BlockedKeyStore blockedKeys;
  private boolean built;
  boolean appliesSchemas;
  boolean closesAtShutdown = true;
  Duration drainTimeout = Duration.ofSeconds(20);

  CommsBuilder(String name) {
    this.name = DefaultSource.checked(name);
    Checks.check(!name.equals(DefaultSource.NONE), "service", name, "the service's own name");
  }

  /**
   * Sets the database of the tables, which are in the default schema of the data source's
   * connections.
   *
   * @param dataSource a pool; the caller closes it after the service
   * @return this
   */
  public CommsBuilder database(DataSource dataSource) {
    this.dataSource = Objects.requireNonNull(dataSource, "dataSource");
    this.database = null;
    return this;
  }

  /**
   * Sets the database of the tables, for a schema other than the default.
   *
   * @param database the database
   * @return this
   */
  public CommsBuilder database(JdbcDatabase database) {
    this.database = Objects.requireNonNull(database, "database");
    this.dataSource = null;
    return this;
  }

  /**
   * Sets the transport; required, in this form or the other one. Its own observer and runtime stay;
   * {@link #transport(TransportFactory)} creates one with those of the service.
   *
   * @param transport an open transport; the service closes it, also if the service can't be built
   *     or started
   * @return this
   */
  public CommsBuilder transport(MessageTransport transport) {
    this.transport = Objects.requireNonNull(transport, "transport");
    this.transportFactory = null;
    return this;
  }

  /**
   * Sets a factory that creates the transport with the source, runtime and observer of the service;
   * required, in this form or the other one.
   *
   * @param factory called once while the service is built
   * @return this
   */
  public CommsBuilder transport(TransportFactory factory) {
    this.transportFactory = Objects.requireNonNull(factory, "factory");
    this.transport = null;
    return this;
  }

  /**
   * Registers version 1 of an event type; adds to the types that are registered already.
   *
   * @param type logical name such as {@code order.placed}
   * @param javaType class of its events
   * @return this
   */
  public CommsBuilder type(String type, Class<?> javaType) {
    return type(type, 1, javaType);
  }

  /**
   * Registers an event type; adds to the types that are registered already. One type or more is
   * required, here or in {@link #types}.
   *
   * @param type logical name such as {@code order.placed}
   * @param version version of its schema, 1 or more
   * @param javaType class of its events
   * @return this
   */
  public CommsBuilder type(String type, int version, Class<?> javaType) {
    types.add(
        new Type(
            Objects.requireNonNull(type, "type"),
            version,
            Objects.requireNonNull(javaType, "javaType")));
    return this;
  }

  /**
   * Sets all event types, with codecs of their own; default: those of {@link #type}.
   *
   * @param types the registry; excludes {@link #type} and {@link #codec}
   * @return this
   */
  public CommsBuilder types(TypeRegistry types) {
    this.registry = Objects.requireNonNull(types, "types");
    return this;
  }

  /**
   * Sets the codec of the types.
   *
   * @param codec writes and reads events; default: JSON
   * @return this
   */
  public CommsBuilder codec(Codec codec) {
    this.codec = Objects.requireNonNull(codec, "codec");
    return this;
  }

  /**
   * Names destinations that the service publishes to, so that the start declares them with the
   * defaults. Destinations of subscriptions are declared without this.
   *
   * @param destinations one or more
   * @return this
   */
  public CommsBuilder publishes(Destination... destinations) {
    for (Destination destination : destinations) {
      this.destinations.publish(Objects.requireNonNull(destination, "destination"));
    }
    return this;
  }

  /**
   * Sets the declaration of a destination: partitions, groups of other services, or verification
   * only. By default a destination of the service is declared with the defaults of {@link
   * DestinationConfig} and the service's own groups.
   *
   * @param config the destination with its settings
   * @return this
   */
  public CommsBuilder declare(DestinationConfig config) {
    destinations.declare(Objects.requireNonNull(config, "config"));
    return this;
  }

  /**
   * Subscribes with typed handlers. Use {@link Comms#subscribe(String, Destination, Consumer)} for
   * handlers that need the service itself.
   *
   * @param name 1 to 60 characters of {@code A-Za-z0-9_-}, unique in the service; the group on a
   *     topic
   * @param source the destination to consume
   * @param handlers adds a handler for each event class
   * @return this
   */
  public CommsBuilder subscribe(
      String name, Destination source, Consumer<TypedHandler.Builder> handlers) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(handlers, "handlers");
    subscriptions.add(comms -> comms.subscribe(name, source, handlers));
    return this;
  }

  /**
   * Sets time, randomness and threads of the relay, and of a transport created by {@link
   * #transport(TransportFactory)}.
   *
   * @param runtime the caller closes it; default {@link SystemRuntime#create}, closed with the
   *     service
   * @return this
   */
  public CommsBuilder runtime(CommsRuntime runtime) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    return this;
  }

  /**
   * Sets the observer of all components. It reaches the transport only through {@link
   * #transport(TransportFactory)}; an open transport has its own observer.
   *
   * @param observer default {@link CommsObserver#logging}
   * @return this
   */
  public CommsBuilder observer(CommsObserver observer) {
    this.observer = Objects.requireNonNull(observer, "observer");
    return this;
  }

  /**
   * Sets the transactions of handlers, for example Spring's.
   *
   * @param transactions on the service's database; default plain JDBC
   * @return this
   */
  public CommsBuilder transactions(TransactionRunner transactions) {
    this.transactions = Objects.requireNonNull(transactions, "transactions");
    return this;
  }

  /**
   * Changes settings of the outbox and its relay; default: {@link OutboxConfig#defaults}.
   *
   * @param settings receives the defaults, with the service as source
   * @return this
   */
  public CommsBuilder outbox(Consumer<OutboxConfig.Builder> settings) {
    outboxSettings.add(Objects.requireNonNull(settings, "settings"));
    return this;
  }

  /**
   * Replaces the outbox; default: a {@link JdbcOutbox} on the service's database. One that is not a
   * {@link JdbcOutbox} needs {@link #relay} or {@link #withoutRelay} too.
   *
   * @param outbox on the service's database
   * @return this
   */
  public CommsBuilder outbox(Outbox outbox) {
    this.outbox = Objects.requireNonNull(outbox, "outbox");
    return this;
  }

  /**
   * Replaces the relay; default: an {@code OutboxRelay} over the service's outbox and transport.
   *
   * @param relay not yet started
   * @return this
   */
  public CommsBuilder relay(LifecycleComponent relay) {
    this.relay = Objects.requireNonNull(relay, "relay");
    return this;
  }

  /**
   * Runs no relay in this process: another one relays, or a tool for change data capture.
   *
   * @return this
   */
  public CommsBuilder withoutRelay() {
    this.relays = false;
    return this;
  }

  /**
   * Sets the configuration of the inbox.
   *
   * @param config settings; default: {@link InboxConfig#defaults}
   * @return this
   */
  public CommsBuilder inbox(InboxConfig config) {
    this.inboxConfig = Objects.requireNonNull(config, "config");
    return this;
  }

  /**
   * Replaces the inbox; default: a {@code JdbcInbox} on the service's database.
   *
   * @param inbox an inbox on the service's database
   * @return this
   */
  public CommsBuilder inbox(Inbox inbox) {
    this.inbox = Objects.requireNonNull(inbox, "inbox");
    return this;
  }

  /**
   * Replaces the store of blocked keys; default: a {@code JdbcBlockedKeyStore} on the service's
   * database.
   *
   * @param blockedKeys a store that all members of a group share
   * @return this
   */
  public CommsBuilder blockedKeys(BlockedKeyStore blockedKeys) {
    this.blockedKeys = Objects.requireNonNull(blockedKeys, "blockedKeys");
    return this;
  }

  /**
   * Creates or updates all tables while the service is built; see {@link Comms#applySchemas}. By
   * default the tables must exist.
   *
   * @return this
   */
  public CommsBuilder applySchemas() {
    this.appliesSchemas = true;
    return this;
  }

  /**
   * Switches off the shutdown hook, which closes the service when the JVM shuts down, for example
   * after SIGTERM. The application must then call {@link Comms#close} itself.
   *
   * @return this
   */
  public CommsBuilder withoutShutdownHook() {
    this.closesAtShutdown = false;
    return this;
  }

  /**
   * Sets the maximum wait of {@link Comms#close} for running work. Keep it below the time that your
   * platform leaves between SIGTERM and SIGKILL.
   *
   * @param drainTimeout 0 to 1 h, default 20 s
   * @return this
   */
  public CommsBuilder drainTimeout(Duration drainTimeout) {
    this.drainTimeout =
        Checks.inRange("drainTimeout", drainTimeout, Duration.ZERO, Duration.ofHours(1));
    return this;
  }

  /**
   * Builds and starts the service.
   *
   * @return the running service; the caller closes it
   * @throws io.commslib.core.CommsException as {@link #build} and {@link Comms#start}
   * @throws IllegalStateException as {@link #build}
   */
  public Comms start() {
    return build().start();
  }

  /**
   * Builds the service: connects to the database, applies the schemas if requested, and creates the
   * components. Nothing is declared or started yet. Blocks. If it throws, the transport is closed.
   *
   * @return the service; the caller closes it, started or not
   * @throws IllegalStateException if the database, the transport or the types are missing, two
   *     settings exclude each other, or it was called before
   * @throws IllegalArgumentException if a component refuses its setting
   * @throws io.commslib.core.StoreException if the database can't be reached or refuses the
   *     schemas; {@code COMMS-JDBC-010} if tables are missing
   */
  public Comms build() {
    require(
        !built,
        "builder: used before (expected: one build for each builder; the service owns the"
            + " transport and closes it)");
    built = true;
    CommsRuntime used = runtime == null ? SystemRuntime.create() : runtime;
    MessageTransport live = transport;
    try {
      checkSettings();
      ServiceSettings settings =
          new ServiceSettings(name, used, observer == null ? CommsObserver.logging() : observer);
      if (live == null) {
        live = Objects.requireNonNull(transportFactory).create(settings);
        Objects.requireNonNull(live, "transport");
      }
      Comms comms = new Comms(new ServiceComponents(this, settings, live), destinations);
      subscriptions.forEach(subscription -> subscription.accept(comms));
      return comms;
    } catch (RuntimeException | Error e) {
      if (live != null) {
        live.close();
      }
      if (runtime == null) {
        used.close();
      }
      throw e;
    }
  }

  private void checkSettings() {
    require(dataSource != null || database != null, "database: none (expected: database(...))");
    require(
        transport != null || transportFactory != null,
        "transport: none (expected: transport(...))");
    require(
        registry != null || !types.isEmpty(),
        "types: none (expected: type(name, class) for each event, or types(registry))");
    require(
        registry == null || (types.isEmpty() && codec == null),
        "types: set twice (expected: either types(registry), or type(...) and codec(...))");
    require(
        outbox == null || outboxSettings.isEmpty(),
        "outbox: set twice (expected: an outbox or settings of the usual one)");
    require(relays || relay == null, "relay: set, and withoutRelay() (expected: one of the two)");
    require(
        outbox == null || outbox instanceof JdbcOutbox || relay != null || !relays,
        "relay: none (expected: relay(...) or withoutRelay(), as the outbox is not a JdbcOutbox)");
    require(
        observer == null || transport == null,
        "observer: set, and a live transport, which has its own (expected: transport(settings ->"
            + " ...), which hands the observer to the transport)");
  }

  private static void require(boolean condition, String text) {
    if (!condition) {
      throw new IllegalStateException(text);
    }
  }
}
