package io.commslib.service;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.lifecycle.SubscriptionClaims;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.BlockedKeysSchema;
import io.commslib.idempotency.InboxSchema;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.outbox.Outbox;
import io.commslib.outbox.OutboxSchema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The messaging of one service: database, outbox with relay, inbox, types and a transport, built
 * with defaults and run as one. Applications create one with {@link #service}, add subscriptions,
 * start it, and close it at their end.
 *
 * <p>It has no rules of its own: every component is one of the library's, is returned by a method
 * here, and can be replaced in {@link CommsBuilder}. Thread-safe, except that subscriptions and
 * components are added on one thread before the start. It owns the transport, and the runtime
 * unless the caller supplied one; the caller closes the data source after this.
 *
 * <p>Its only thread is {@code commslib-service-shutdown}, which the JVM starts when it shuts down;
 * the tour lists the threads of its components.
 */
public final class Comms implements AutoCloseable {

  /**
   * Work in a transaction that has no result.
   *
   * @param <X> type of the failure
   */
  @FunctionalInterface
  public interface Work<X extends Exception> {

    /**
     * Does the work. Whatever it does through {@code tx} commits or rolls back as one.
     *
     * @param tx the running transaction, valid until this method returns
     * @throws X to roll back
     */
    void run(TransactionContext tx) throws X;
  }

  private static final Logger log = LoggerFactory.getLogger(Comms.class);

  private final ReentrantLock lock = new ReentrantLock();
  private final ServiceComponents components;
  private final Destinations destinations;
  private final List<Consumer<Lifecycle.Builder>> additions = new ArrayList<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final SubscriptionClaims claims = new SubscriptionClaims();
  private boolean subscribes;
  private boolean isFrozen;
  private @Nullable ShutdownHook hook;
  private volatile @Nullable Lifecycle lifecycle;

  Comms(ServiceComponents components, Destinations destinations) {
    this.components = components;
    this.destinations = destinations;
  }

  /**
   * Starts a service.
   *
   * @param name the name of the service, which is the source of its messages: 1 to 256 characters.
   *     Ids are unique per source only, so two services must not share a name
   * @return builder with the defaults
   */
  public static CommsBuilder service(String name) {
    return new CommsBuilder(name);
  }

  /**
   * Returns the scripts of all tables a service may need: outbox, inbox, blocked keys.
   *
   * @return the scripts that {@link #applySchemas} applies, in its order
   */
  public static List<SchemaScripts> schemas() {
    return List.of(OutboxSchema.scripts(), InboxSchema.scripts(), BlockedKeysSchema.scripts());
  }

  /**
   * Creates or updates all tables that a service needs, as {@link SchemaScripts#apply} does for
   * each module: does nothing for tables that are up to date, and several processes may call it at
   * the same time. Blocks. {@link CommsBuilder#applySchemas} calls it while the service is built.
   *
   * @param database database of the tables
   * @throws io.commslib.core.StoreException if the database refuses or can't be reached
   */
  public static void applySchemas(JdbcDatabase database) {
    schemas().forEach(scripts -> scripts.apply(database));
  }

  /**
   * Subscribes with typed handlers, with the inbox in one transaction for each message. The name is
   * the group on a topic, and identifies the subscription in health and dead letters. The start
   * creates the subscription.
   *
   * @param name 1 to 60 characters of {@code A-Za-z0-9_-}, unique in the service
   * @param source the destination to consume; declared by the start
   * @param handlers adds a handler for each event class
   * @return this
   * @throws io.commslib.core.messaging.SubscribeException {@code COMMS-CORE-003} if another
   *     subscription consumes the same destination with the same group
   * @throws IllegalStateException if it was started before
   */
  public Comms subscribe(String name, Destination source, Consumer<TypedHandler.Builder> handlers) {
    TypedHandler.Builder typed = TypedHandler.builder(components.types());
    handlers.accept(typed);
    return subscribe(subscription(name, source).build(), typed.build());
  }

  /**
   * Subscribes with the caller's configuration, without further defaults.
   *
   * @param config the destination and the settings, usually from {@link #subscription}
   * @param handler called on the subscription's workers
   * @return this
   * @throws io.commslib.core.messaging.SubscribeException {@code COMMS-CORE-003} if another
   *     subscription consumes the same destination with the same group
   * @throws IllegalStateException if it was started before
   */
  public Comms subscribe(SubscriptionConfig config, MessageHandler handler) {
    Objects.requireNonNull(config, "config");
    Objects.requireNonNull(handler, "handler");
    requireNew();
    claims.add(this, config);
    add(
        lifecycleBuilder ->
            lifecycleBuilder.subscription(components.transport().subscriber(), config, handler));
    destinations.subscribe(config);
    subscribes |= config.inbox().filter(inbox -> inbox == components.inbox()).isPresent();
    return this;
  }

  /**
   * Starts the configuration of a subscription with the service's defaults: name, transactions and
   * inbox.
   *
   * @param name 1 to 60 characters of {@code A-Za-z0-9_-}; the group on a topic
   * @param source the destination to consume
   * @return builder for the settings that differ
   */
  public SubscriptionConfig.Builder subscription(String name, Destination source) {
    SubscriptionConfig.Builder builder =
        source.kind() == Destination.Kind.TOPIC
            ? SubscriptionConfig.builder(source, name)
            : SubscriptionConfig.builder(source);
    return builder.name(name).transactional(components.transactions(), components.inbox());
  }

  /**
   * Adds a component that is started after the relay and before the subscriptions, such as a saga
   * engine.
   *
   * @param component not yet started; the service starts, drains and closes it
   * @return this
   * @throws IllegalStateException if it was started before
   */
  public Comms saga(LifecycleComponent component) {
    Objects.requireNonNull(component, "component");
    add(lifecycleBuilder -> lifecycleBuilder.saga(component));
    return this;
  }

  private void add(Consumer<Lifecycle.Builder> addition) {
    lock.lock();
    try {
      requireNew();
      additions.add(addition);
    } finally {
      lock.unlock();
    }
  }

  private void requireNew() {
    if (isFrozen || closing.get()) {
      throw new IllegalStateException(
          "service: " + state() + " (expected: NEW, not started and not added to a lifecycle)");
    }
  }

  /**
   * Declares the service's destinations, then starts the relay, the components added by {@link
   * #saga} and the subscriptions. Blocks until all accept work. From then on a shutdown of the JVM
   * closes the service, unless that was switched off.
   *
   * @return this
   * @throws io.commslib.core.CommsException if the tables are missing, the broker can't be reached,
   *     or a component can't start; everything is closed again
   * @throws IllegalStateException if it was started or closed before
   */
  public Comms start() {
    Lifecycle.Builder builder = Lifecycle.builder();
    addTo(builder);
    try {
      Lifecycle built = builder.build();
      lifecycle = built;
      destinations.declareOn(components.transport());
      built.start();
      if (components.settings().closesAtShutdown) {
        hook =
            ShutdownHook.register(
                components.runtime().newThread("service-shutdown", this::shutDown));
      }
      return this;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Adds the transport, the relay, the added components and the subscriptions to the caller's
   * lifecycle, which starts and closes them instead of this. Checks the tables first. {@link
   * #declareDestinations} declares the destinations; no shutdown hook is registered.
   *
   * @param builder receives the components
   * @throws io.commslib.core.StoreException if the tables of the inbox are missing; the caller
   *     closes this
   * @throws IllegalStateException if it was started or closed before
   */
  public void addTo(Lifecycle.Builder builder) {
    lock.lock();
    try {
      requireNew();
      isFrozen = true;
    } finally {
      lock.unlock();
    }
    try {
      if (subscribes && components.ownsInbox()) {
        InboxSchema.scripts().check(components.database());
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
    builder.transport(components.transport());
    components.relay().ifPresent(builder::relay);
    additions.forEach(addition -> addition.accept(builder));
  }

  /**
   * Declares the destinations that the service publishes to and subscribes to; {@link #start} calls
   * it. Blocks.
   *
   * @throws io.commslib.core.messaging.SubscribeException if a destination differs or the broker
   *     can't be reached
   */
  public void declareDestinations() {
    destinations.declareOn(components.transport());
  }

  /**
   * Writes an event into the caller's transaction; the relay publishes it after the commit, with
   * the service as source. Guarantees and blocks as {@link Outbox#publish}.
   *
   * @param tx the running transaction, on the service's database
   * @param to the destination, which the service must declare
   * @param event value of a registered class
   * @param key events of one key are handled in order; null for none
   * @throws io.commslib.core.CodecException if its class is not registered or it can't be written
   * @throws IllegalArgumentException if the service does not declare the destination, or as {@link
   *     Outbox#publish}; nothing was written
   * @throws io.commslib.core.StoreException if the database fails; the transaction must roll back
   * @throws TransportClosedException if the service is closed; nothing was written
   */
  public void publish(TransactionContext tx, Destination to, Object event, @Nullable String key) {
    if (state() == LifecycleState.CLOSED) {
      throw new TransportClosedException(components.transport().name());
    }
    components.outbox().publish(tx, destinations.require(to), message(event, key).build());
  }

  /**
   * Starts the message of an event, for headers, expiry and other attributes that {@link #publish}
   * does not set; pass it to {@link #outbox}.
   *
   * @param event value of a registered class
   * @param key events of one key are handled in order; null for none
   * @return builder with type, version, body, source and key set
   * @throws io.commslib.core.CodecException if its class is not registered or it can't be written
   */
  public Message.Builder message(Object event, @Nullable String key) {
    Message.Builder message = components.types().message(event).source(components.name());
    return key == null ? message : message.key(key);
  }

  /**
   * Runs work in a transaction of its own and commits when it returns, as {@link
   * TransactionRunner#run}. {@link #transactions} has the form with a result.
   *
   * @param <X> type of failure the work may throw
   * @param work the work
   * @throws X as the work throws it; rolled back
   */
  public <X extends Exception> void inTransaction(Work<X> work) throws X {
    components
        .transactions()
        .<Optional<Void>, X>run(
            tx -> {
              work.run(tx);
              return Optional.empty();
            });
  }

  /**
   * Returns the combined health of all components. Never blocks.
   *
   * @return the worst status, with the status of every component; down before the start
   */
  public Health health() {
    Lifecycle running = lifecycle;
    return running == null
        ? Health.of(Health.Status.DOWN, "not started", Map.of())
        : running.health();
  }

  /** {@return the lifecycle state of the service} */
  public LifecycleState state() {
    Lifecycle running = lifecycle;
    if (running != null) {
      return running.state();
    }
    return closing.get() ? LifecycleState.CLOSED : LifecycleState.NEW;
  }

  /**
   * Stops accepting work and waits until running work has ended; see {@link Lifecycle#drain}.
   *
   * @param timeout limit for all components together
   * @return whether all work ended in time
   */
  public boolean drain(Duration timeout) {
    Lifecycle running = lifecycle;
    return running == null || running.drain(timeout);
  }

  /**
   * Drains for at most the drain timeout, then closes all components. Messages whose handling has
   * not ended by then will be redelivered. Idempotent; a concurrent call waits for the first one.
   * Never throws.
   */
  @Override
  public void close() {
    if (closing.getAndSet(true)) {
      awaitClosed();
      return;
    }
    try {
      ShutdownHook registered = hook;
      if (registered != null) {
        registered.remove();
      }
      Lifecycle running = lifecycle;
      if (running == null) {
        components.transport().close();
      } else {
        if (!running.drain(components.settings().drainTimeout)) {
          log.warn(
              "service {} was not drained within {}: unfinished messages will be redelivered",
              components.name(),
              components.settings().drainTimeout);
        }
        running.close();
      }
    } catch (RuntimeException | Error e) {
      log.error("service {} could not be closed in order", components.name(), e);
    } finally {
      components.closeRuntime();
      closed.countDown();
    }
  }

  private void shutDown() {
    log.info("service {}: the JVM shuts down, draining", components.name());
    close();
  }

  /**
   * Blocks until the service is closed, by a call or by a shutdown of the JVM. All threads of the
   * library are daemon threads, so the main thread of a service should wait here. An interrupt ends
   * the wait and stays pending.
   */
  public void awaitClosed() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** {@return the name of the service, which is the source of its messages} */
  public String name() {
    return components.name();
  }

  /** {@return the transport, which is closed with the service} */
  public MessageTransport transport() {
    return components.transport();
  }

  /** {@return the database of the tables} */
  public JdbcDatabase database() {
    return components.database();
  }

  /** {@return the runner of the transactions of handlers and of {@link #inTransaction}} */
  public TransactionRunner transactions() {
    return components.transactions();
  }

  /** {@return the outbox that {@link #publish} writes to} */
  public Outbox outbox() {
    return components.outbox();
  }

  /** {@return the relay of this process, or empty if another process relays} */
  public Optional<LifecycleComponent> relay() {
    return components.relay();
  }

  /**
   * Returns the inbox of the subscriptions. Delete its old entries with {@link Inbox#purge} from a
   * scheduled job.
   *
   * @return the inbox
   */
  public Inbox inbox() {
    return components.inbox();
  }

  /**
   * Returns the store of blocked keys, for {@link SubscriptionConfig.Builder#blockKeyOnDeadLetter}.
   *
   * @return the store
   */
  public BlockedKeyStore blockedKeys() {
    return components.blockedKeys();
  }

  /** {@return the registry of the service's event types} */
  public TypeRegistry types() {
    return components.types();
  }

  /** {@return the source of time, randomness and threads} */
  public CommsRuntime runtime() {
    return components.runtime();
  }

  /** {@return the observer of the service's components} */
  public CommsObserver observer() {
    return components.observer();
  }

  /** {@return the lifecycle that runs the components, or empty before the start} */
  public Optional<Lifecycle> lifecycle() {
    return Optional.ofNullable(lifecycle);
  }

  @Override
  public String toString() {
    return "Comms{"
        + components.name()
        + ", "
        + components.transport().name()
        + ", "
        + state()
        + "}";
  }
}
