package io.commslib.core.lifecycle;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts and drains the components of a service in a safe order. Calls to other services start
 * first, because a relay may publish by calls; then relays, so that the messages that handlers
 * write are published; then sagas; then subscriptions; then servers. Draining stops the intake of
 * all components, then waits for servers, subscriptions, sagas, relays and calls, so that the last
 * handlers and relays can still make calls. Then relays are waited for once more, for what the last
 * calls have written. The relays always get a share of the time. A component that fails or hangs
 * does not prevent the others from being drained and closed. Applications build one lifecycle per
 * service.
 *
 * <p>Thread-safe. Owns the transports and components passed to it and closes them.
 *
 * <pre>{@code
 * Lifecycle lifecycle =
 *     Lifecycle.builder()
 *         .transport(transport)
 *         .relay(OutboxRelay.create(outbox, transport, runtime))
 *         .subscribe(config, delivery -> Settlement.done())
 *         .build();
 * lifecycle.start();
 * }</pre>
 */
public final class Lifecycle implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Lifecycle.class);

  /** Extra time for a component to return after its own limit. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(30);

  private final ReentrantLock lock = new ReentrantLock();
  private final List<LifecycleComponent> components;
  private final int calls;
  private final int relays;
  private final List<MessageTransport> transports;
  private final int sagas;
  private final int subscriptions;
  private final Duration closeLimit;
  private final CommsRuntime runtime = SystemRuntime.platformThreads();
  private final List<LifecycleComponent> started = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile LifecycleState state = LifecycleState.NEW;

  private Lifecycle(Builder builder) {
    List<LifecycleComponent> ordered = new ArrayList<>(builder.calls);
    ordered.addAll(builder.relays);
    ordered.addAll(builder.sagas);
    ordered.addAll(builder.subscriptions);
    ordered.addAll(builder.servers);
    this.components = List.copyOf(ordered);
    this.calls = builder.calls.size();
    this.relays = builder.relays.size();
    this.sagas = builder.sagas.size();
    this.subscriptions = builder.subscriptions.size();
    this.transports = List.copyOf(builder.transports);
    this.closeLimit = builder.closeLimit;
  }

  /** {@return a new builder} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts all components in order: calls, relays, sagas, subscriptions, servers; within one kind
   * in the order in which they were added. Blocks until the last component accepts work.
   *
   * @throws CommsException the exception of a component that could not start; the components
   *     started before it and the transports are closed, and their failures are suppressed in it
   * @throws IllegalStateException if this lifecycle was started before
   */
  public void start() {
    lock.lock();
    try {
      if (state != LifecycleState.NEW) {
        throw new IllegalStateException("state: " + state + " (expected: NEW)");
      }
      state = LifecycleState.STARTING;
      for (LifecycleComponent component : components) {
        // Added before its start, so that a component that fails in start is closed too.
        started.add(component);
        component.start();
        if (closing.get()) {
          // close() ran before this component had started.
          close(name(component), component::close, new ArrayList<>());
          throw new IllegalStateException("state: CLOSED during start (expected: STARTING)");
        }
      }
      state = LifecycleState.RUNNING;
    } catch (RuntimeException | Error e) {
      closeAll().forEach(e::addSuppressed);
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes no more work and waits until running work has ended. The intake of all components stops
   * first; then servers are drained, then subscriptions, then sagas, then relays, then calls to
   * other services. If there are both, relays are drained once more, for what the last calls have
   * written; calls are refused by then, so a relay that publishes by calls leaves such messages in
   * its outbox. Relays have at least a quarter of the time, and calls after relays an eighth. A
   * component that throws counts as not drained and is logged; the others are drained nevertheless.
   *
   * <p>Blocks. A {@link #start} that still runs is waited for within the same timeout. If it does
   * not end in time, nothing is drained. Servers, subscriptions, sagas, relays and calls that do
   * not return in their time are left after one more second each, so the call can take six seconds
   * longer than the timeout.
   *
   * @param timeout for all components together; any duration, including the longest
   * @return whether all work has ended in time; if not, messages will be redelivered and leases
   *     taken over
   */
  public boolean drain(Duration timeout) {
    long whole = Timeouts.nanos(timeout);
    long end = runtime.time().nanoTime() + whole;
    if (!locked(whole)) {
      log.error("start() has not returned within {}: nothing is drained", timeout);
      return false;
    }
    try {
      if (state == LifecycleState.CLOSED) {
        return true;
      }
      state = LifecycleState.DRAINING;
      for (int i = started.size() - 1; i >= 0; i--) {
        stopIntake(started.get(i));
      }
      List<LifecycleComponent> waiting = List.copyOf(started);
      // After a start that failed there are only the first of them.
      int[] ends = {calls, relays, sagas, subscriptions, waiting.size()};
      for (int kind = 0; kind < ends.length; kind++) {
        int before = kind == 0 ? 0 : ends[kind - 1];
        ends[kind] = Math.min(before + ends[kind], waiting.size());
      }
      List<LifecycleComponent> ofCalls = waiting.subList(0, ends[0]);
      List<LifecycleComponent> ofRelays = waiting.subList(ends[0], ends[1]);
      long ofRelaysNanos = ofRelays.isEmpty() ? 0 : whole / 4;
      long ofCallsNanos = ofRelays.isEmpty() || ofCalls.isEmpty() ? 0 : whole / 8;
      boolean all = true;
      for (int kind = ends.length - 1; kind > 1; kind--) {
        all &=
            drain(waiting.subList(ends[kind - 1], ends[kind]), end - ofRelaysNanos - ofCallsNanos);
      }
      all &= drain(ofRelays, atLeast(ofRelaysNanos, end - ofCallsNanos));
      all &= drain(ofCalls, atLeast(ofCallsNanos, end));
      return ofRelays.isEmpty() || ofCalls.isEmpty() ? all : all & drain(ofRelays, end);
    } finally {
      lock.unlock();
    }
  }

  /** Components that did not return in time have used some of the share of later ones. */
  private long atLeast(long shareNanos, long end) {
    return Math.max(end, runtime.time().nanoTime() + shareNanos);
  }

  /** Tries to take the lock, even if the thread is interrupted already. */
  private boolean locked(long nanos) {
    boolean interrupted = Thread.interrupted();
    try {
      return lock.tryLock(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
      return false;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void stopIntake(LifecycleComponent component) {
    try {
      component.stopIntake();
    } catch (Throwable e) {
      log.error("{} could not stop its intake: {}", name(component), Failures.text(e), e);
    }
  }

  /** Drains components of one kind in parallel. */
  private boolean drain(List<LifecycleComponent> group, long end) {
    ComponentCalls calls = new ComponentCalls(runtime, "drain");
    Duration left = Duration.ofNanos(Math.max(0, end - runtime.time().nanoTime()));
    for (LifecycleComponent component : group) {
      calls.begin(name(component), () -> component.drain(left));
    }
    return calls.await(left.plus(GRACE), new ArrayList<>());
  }

  private static String name(LifecycleComponent component) {
    try {
      return component.name();
    } catch (Throwable e) {
      return component.getClass().getName();
    }
  }

  /**
   * Closes all components in reverse order, then the transports. Does not drain. A failure of a
   * component is logged, and one that does not return is left after {@code 30 s}; the others are
   * closed nevertheless. Also ends a {@link #drain} in progress. Idempotent, never throws.
   */
  @Override
  public void close() {
    state = LifecycleState.CLOSED;
    closeAll();
  }

  /** Closes everything without the lock, which a component that hangs may hold. */
  private List<Throwable> closeAll() {
    state = LifecycleState.CLOSED;
    List<Throwable> thrown = new ArrayList<>();
    if (!closing.compareAndSet(false, true)) {
      return thrown;
    }
    for (int i = components.size() - 1; i >= 0; i--) {
      LifecycleComponent component = components.get(i);
      if (started.contains(component)) {
        close(name(component), component::close, thrown);
      }
    }
    transports.forEach(transport -> close(transportName(transport), transport::close, thrown));
    runtime.close();
    return thrown;
  }

  private void close(String name, Runnable closer, List<Throwable> thrown) {
    ComponentCalls calls = new ComponentCalls(runtime, "close");
    calls.begin(
        name,
        () -> {
          closer.run();
          return true;
        });
    calls.await(closeLimit, thrown);
  }

  /** {@return the state of this lifecycle} */
  public LifecycleState state() {
    return state;
  }

  /**
   * Returns the health of all transports and components, in start order. A component whose health
   * call fails is down. Never blocks.
   *
   * @return the worst status of all, with the health of each component
   */
  public Health health() {
    Map<String, Health> all = new LinkedHashMap<>();
    transports.forEach(transport -> all.put(transportName(transport), health(transport::health)));
    components.forEach(component -> all.put(name(component), health(component::health)));
    return Health.combine(all);
  }

  private static String transportName(MessageTransport transport) {
    try {
      return transport.name();
    } catch (Throwable e) {
      return transport.getClass().getName();
    }
  }

  private static Health health(Supplier<Health> component) {
    try {
      return Objects.requireNonNull(component.get(), "health");
    } catch (Throwable e) {
      return Health.of(Health.Status.DOWN, "health() failed: " + Failures.text(e), Map.of());
    }
  }

  /** Collects transports and components. Not thread-safe. */
  public static final class Builder {
    private final List<MessageTransport> transports = new ArrayList<>();
    private final List<LifecycleComponent> relays = new ArrayList<>();
    private final List<LifecycleComponent> calls = new ArrayList<>();
    private final List<LifecycleComponent> sagas = new ArrayList<>();
    private final List<LifecycleComponent> subscriptions = new ArrayList<>();
    private final List<LifecycleComponent> servers = new ArrayList<>();
    private final SubscriptionClaims claims = new SubscriptionClaims();
    private Duration closeLimit = CLOSE_LIMIT;
    private boolean usesOneTransport;

    private Builder() {}

    /** Sets the maximum wait for closing each component; default 30 s. */
    Builder closeLimit(Duration limit) {
      this.closeLimit = limit;
      return this;
    }

    /**
     * Adds a transport, which is closed after everything else. Default none.
     *
     * @param transport an open transport
     * @return this
     */
    public Builder transport(MessageTransport transport) {
      transports.add(Objects.requireNonNull(transport, "transport"));
      return this;
    }

    /**
     * Adds an outbox relay. Relays are started before sagas, subscriptions and servers, and drained
     * after them. Default none.
     *
     * @param relay a relay that is not yet started
     * @return this
     */
    public Builder relay(LifecycleComponent relay) {
      relays.add(Objects.requireNonNull(relay, "relay"));
      return this;
    }

    /**
     * Adds the calls to other services, for example a {@code Resilience}. Their last ones are
     * waited for, and others refused, after the handlers of servers, subscriptions and sagas have
     * ended and the relays are drained, and before the transports are closed. Several must have
     * different names. Default none.
     *
     * @param calls the calls, which this lifecycle closes
     * @return this
     */
    public Builder calls(LifecycleComponent calls) {
      this.calls.add(Objects.requireNonNull(calls, "calls"));
      return this;
    }

    /**
     * Adds a saga engine. Saga engines are started after the relays. Default none.
     *
     * @param saga a saga engine that is not yet started
     * @return this
     */
    public Builder saga(LifecycleComponent saga) {
      sagas.add(Objects.requireNonNull(saga, "saga"));
      return this;
    }

    /**
     * Adds a server, which takes requests of other services. Servers are started last and drained
     * first, so that their handlers find everything else running. Default none.
     *
     * @param server a server that does not listen yet
     * @return this
     */
    public Builder server(LifecycleComponent server) {
      servers.add(Objects.requireNonNull(server, "server"));
      return this;
    }

    /**
     * Adds a subscription. Subscriptions are made after the saga engines and drained before them.
     * Default none.
     *
     * @param name name shown in health and logs
     * @param subscribe makes the subscription, for example {@code () ->
     *     transport.subscriber().subscribe(config, handler)}
     * @return this
     */
    public Builder subscription(String name, Supplier<Subscription> subscribe) {
      subscriptions.add(new SubscriptionComponent(name, subscribe));
      return this;
    }

    /**
     * Adds a subscription to this lifecycle's only transport, under the configuration's name.
     *
     * @param config settings of the subscription
     * @param handler called on the subscription's workers
     * @return this
     * @throws io.commslib.core.messaging.SubscribeException {@code COMMS-CORE-003} if another
     *     subscription consumes the same destination with the same group
     */
    public Builder subscribe(SubscriptionConfig config, MessageHandler handler) {
      Objects.requireNonNull(config, "config");
      Objects.requireNonNull(handler, "handler");
      claims.add(this, config);
      usesOneTransport = true;
      return subscription(
          config.name(), () -> transports.get(0).subscriber().subscribe(config, handler));
    }

    /**
     * Adds a subscription under the configuration's name.
     *
     * @param subscriber makes the subscription
     * @param config settings of the subscription
     * @param handler called on the subscription's workers
     * @return this
     * @throws io.commslib.core.messaging.SubscribeException {@code COMMS-CORE-003} if another
     *     subscription consumes the same destination with the same group
     */
    public Builder subscription(
        Subscriber subscriber, SubscriptionConfig config, MessageHandler handler) {
      Objects.requireNonNull(subscriber, "subscriber");
      Objects.requireNonNull(config, "config");
      Objects.requireNonNull(handler, "handler");
      claims.add(subscriber, config);
      return subscription(config.name(), () -> subscriber.subscribe(config, handler));
    }

    /**
     * Builds the lifecycle. Nothing is started yet.
     *
     * @return new lifecycle
     * @throws IllegalArgumentException if two components have the same name, or if {@link
     *     #subscribe} was used and there is not exactly one transport
     */
    public Lifecycle build() {
      Checks.check(
          !usesOneTransport || transports.size() == 1,
          "transports",
          transports.size(),
          "1, to which subscribe(config, handler) subscribes");
      Lifecycle lifecycle = new Lifecycle(this);
      List<String> names = lifecycle.components.stream().map(Lifecycle::name).toList();
      if (names.stream().distinct().count() != names.size()) {
        throw new IllegalArgumentException(
            "names: " + names + " (expected: distinct, by the setting for the name of each)");
      }
      return lifecycle;
    }
  }

  private static final class SubscriptionComponent implements LifecycleComponent {
    private final String name;
    private final Supplier<Subscription> subscribe;
    private volatile @Nullable Subscription subscription;

    SubscriptionComponent(String name, Supplier<Subscription> subscribe) {
      this.name = Objects.requireNonNull(name, "name");
      this.subscribe = Objects.requireNonNull(subscribe, "subscribe");
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public void start() {
      subscription = subscribe.get();
    }

    @Override
    public void stopIntake() {
      Subscription running = subscription;
      if (running != null) {
        running.stopIntake();
      }
    }

    @Override
    public boolean drain(Duration timeout) {
      Subscription running = subscription;
      return running == null || running.drain(timeout);
    }

    @Override
    public void close() {
      Subscription running = subscription;
      if (running != null) {
        running.close();
      }
    }

    @Override
    public Health health() {
      Subscription running = subscription;
      return running == null
          ? Health.of(Health.Status.DOWN, "not started", Map.of())
          : running.health();
    }
  }
}
