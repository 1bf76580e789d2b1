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
 * Starts the parts of a service in the order that is safe: relays first, so that what handlers
 * write leaves; then sagas; then subscriptions. Draining stops the intake of all of them at once,
 * then waits for subscriptions, sagas and relays, so that what the last handlers wrote still
 * leaves; the relays always get a share of the time. One part that fails or hangs keeps no other
 * from being drained and closed. Applications build one per service.
 *
 * <p>Thread-safe. Owns what was passed to it and closes it.
 */
public final class Lifecycle implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Lifecycle.class);

  /** For a part that was told its limit to return. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(30);

  private final ReentrantLock lock = new ReentrantLock();
  private final List<LifecycleComponent> components;
  private final int relays;
  private final List<MessageTransport> transports;
  private final int sagas;
  private final Duration closeLimit;
  private final CommsRuntime runtime = SystemRuntime.platformThreads();
  private final List<LifecycleComponent> started = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile LifecycleState state = LifecycleState.NEW;

  private Lifecycle(Builder builder) {
    List<LifecycleComponent> ordered = new ArrayList<>(builder.relays);
    ordered.addAll(builder.sagas);
    ordered.addAll(builder.subscriptions);
    this.components = List.copyOf(ordered);
    this.relays = builder.relays.size();
    this.sagas = builder.sagas.size();
    this.transports = List.copyOf(builder.transports);
    this.closeLimit = builder.closeLimit;
  }

  /**
   * Starts a lifecycle's configuration.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts all parts in order: relays, sagas, subscriptions; inside one kind in the order they were
   * added. Blocks until the last one takes work.
   *
   * @throws CommsException what the part that could not start threw; the parts started before it
   *     and the transports are closed, and what those threw is suppressed in it
   * @throws IllegalStateException if it was started before
   */
  public void start() {
    lock.lock();
    try {
      if (state != LifecycleState.NEW) {
        throw new IllegalStateException("state: " + state + " (expected: NEW)");
      }
      state = LifecycleState.STARTING;
      for (LifecycleComponent component : components) {
        // Added first: a part that fails half way is closed too.
        started.add(component);
        component.start();
        if (closing.get()) {
          // It has been closed before it had started.
          close(name(component), component::close, new ArrayList<>());
          throw new IllegalStateException("state: CLOSED while it started (expected: STARTING)");
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
   * Takes no more work and waits until what runs has ended: the intake of all parts stops at once,
   * then subscriptions are drained, then sagas, then relays. Relays have a quarter of the time at
   * least. A part that throws counts as not drained, is logged, and the others go on. Blocks. A
   * {@link #start} that still runs is waited for within the same timeout. If it does not end in
   * time, nothing is drained. Subscriptions, sagas and relays that do not return in their time are
   * left after another second each, so this can take three seconds longer than the timeout.
   *
   * @param timeout for all together; any duration, also the longest
   * @return whether everything had ended in time; if not, messages will be delivered again and
   *     leases taken over
   */
  public boolean drain(Duration timeout) {
    long whole = Timeouts.nanos(timeout);
    long end = runtime.time().nanoTime() + whole;
    if (!locked(whole)) {
      log.error("the start has not ended within {}: nothing is drained", timeout);
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
      long endBeforeRelays = relays == 0 ? end : end - whole / 4;
      List<LifecycleComponent> waiting = List.copyOf(started);
      int first = Math.min(relays, waiting.size());
      int second = Math.min(relays + sagas, waiting.size());
      boolean all = drain(waiting.subList(second, waiting.size()), endBeforeRelays);
      all &= drain(waiting.subList(first, second), endBeforeRelays);
      // Parts that did not return in time have used some of the relays' share.
      long now = runtime.time().nanoTime();
      return all & drain(waiting.subList(0, first), now + Math.max(end - now, whole / 4));
    } finally {
      lock.unlock();
    }
  }

  /** An interrupt from before does not keep it from being taken. */
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

  /** Parts of one kind at once. */
  private boolean drain(List<LifecycleComponent> parts, long end) {
    ComponentCalls calls = new ComponentCalls(runtime, "drain");
    Duration left = Duration.ofNanos(Math.max(0, end - runtime.time().nanoTime()));
    for (LifecycleComponent part : parts) {
      calls.begin(name(part), () -> part.drain(left));
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
   * Closes all parts in reverse order, then the transports. Does not drain. What a part throws is
   * logged, one that does not return is left after {@code 30 s}, and the others are closed all the
   * same. Idempotent, never throws. Also ends a {@link #drain} that is under way.
   */
  @Override
  public void close() {
    state = LifecycleState.CLOSED;
    closeAll();
  }

  /** Returns what was thrown. Without the lock, which a part that hangs may hold. */
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

  private void close(String name, Runnable part, List<Throwable> thrown) {
    ComponentCalls calls = new ComponentCalls(runtime, "close");
    calls.begin(
        name,
        () -> {
          part.run();
          return true;
        });
    calls.await(closeLimit, thrown);
  }

  /**
   * Returns where it is in its life.
   *
   * @return the state
   */
  public LifecycleState state() {
    return state;
  }

  /**
   * Returns the health of all parts and transports, in start order. A part that can't tell is down.
   * Never blocks.
   *
   * @return the worst status of all, with every part's own
   */
  public Health health() {
    Map<String, Health> parts = new LinkedHashMap<>();
    transports.forEach(transport -> parts.put(transportName(transport), health(transport::health)));
    components.forEach(component -> parts.put(name(component), health(component::health)));
    return Health.combine(parts);
  }

  private static String transportName(MessageTransport transport) {
    try {
      return transport.name();
    } catch (Throwable e) {
      return transport.getClass().getName();
    }
  }

  private static Health health(Supplier<Health> part) {
    try {
      return Objects.requireNonNull(part.get(), "health");
    } catch (Throwable e) {
      return Health.of(Health.Status.DOWN, "health failed: " + Failures.text(e), Map.of());
    }
  }

  /** Collects the parts. Not thread-safe. */
  public static final class Builder {
    private final List<MessageTransport> transports = new ArrayList<>();
    private final List<LifecycleComponent> relays = new ArrayList<>();
    private final List<LifecycleComponent> sagas = new ArrayList<>();
    private final List<LifecycleComponent> subscriptions = new ArrayList<>();
    private final SubscriptionClaims claims = new SubscriptionClaims();
    private Duration closeLimit = CLOSE_LIMIT;
    private boolean usesOneTransport;

    private Builder() {}

    /** Sets how long closing waits for each part. */
    Builder closeLimit(Duration limit) {
      this.closeLimit = limit;
      return this;
    }

    /**
     * Adds a transport, closed after everything else.
     *
     * @param transport a live transport
     * @return this
     */
    public Builder transport(MessageTransport transport) {
      transports.add(Objects.requireNonNull(transport, "transport"));
      return this;
    }

    /**
     * Adds an outbox relay: started first, drained last.
     *
     * @param relay not yet started
     * @return this
     */
    public Builder relay(LifecycleComponent relay) {
      relays.add(Objects.requireNonNull(relay, "relay"));
      return this;
    }

    /**
     * Adds a saga engine: started after the relays.
     *
     * @param saga not yet started
     * @return this
     */
    public Builder saga(LifecycleComponent saga) {
      sagas.add(Objects.requireNonNull(saga, "saga"));
      return this;
    }

    /**
     * Adds a subscription: made last, drained first.
     *
     * @param name shown in health and logs
     * @param subscribe makes the subscription, for example {@code () ->
     *     transport.subscriber().subscribe(config, handler)}
     * @return this
     */
    public Builder subscription(String name, Supplier<Subscription> subscribe) {
      subscriptions.add(new SubscriptionComponent(name, subscribe));
      return this;
    }

    /**
     * Adds a subscription to this lifecycle's one transport, under the configuration's name.
     *
     * @param config what and how to consume
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
     * @param config what and how to consume
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
     * Builds the lifecycle; nothing is started yet.
     *
     * @return new lifecycle
     * @throws IllegalArgumentException if two parts have one name, or {@link #subscribe} was used
     *     and there is not exactly one transport
     */
    public Lifecycle build() {
      Checks.check(
          !usesOneTransport || transports.size() == 1,
          "transports",
          transports.size(),
          "1, the one that subscribe(config, handler) subscribes to");
      Lifecycle lifecycle = new Lifecycle(this);
      List<String> names = lifecycle.components.stream().map(Lifecycle::name).toList();
      if (names.stream().distinct().count() != names.size()) {
        throw new IllegalArgumentException("names: " + names + " (expected: distinct)");
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
