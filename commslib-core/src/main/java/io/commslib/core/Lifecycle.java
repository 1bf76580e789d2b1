package io.commslib.core;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts the parts of a service in the order that is safe and drains them in the reverse one:
 * relays first, so that what handlers write leaves; then sagas; then subscriptions. Draining stops
 * the intake first and the relays last, so that what the last handlers wrote still leaves.
 * Applications build one per service.
 *
 * <p>Thread-safe. Owns what was passed to it and closes it.
 *
 * @since 0.1
 */
public final class Lifecycle implements AutoCloseable {

  private final ReentrantLock lock = new ReentrantLock();
  private final List<LifecycleComponent> components;
  private final List<MessageTransport> transports;
  private final List<LifecycleComponent> started = new ArrayList<>();
  private volatile LifecycleState state = LifecycleState.NEW;

  private Lifecycle(Builder builder) {
    List<LifecycleComponent> ordered = new ArrayList<>(builder.relays);
    ordered.addAll(builder.sagas);
    ordered.addAll(builder.subscriptions);
    this.components = List.copyOf(ordered);
    this.transports = List.copyOf(builder.transports);
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
   *     are closed again
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
      }
      state = LifecycleState.RUNNING;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes no more work and waits until what runs has ended: subscriptions, then sagas, then relays.
   * Blocks.
   *
   * @param timeout for all together
   * @return whether everything had ended in time; if not, messages will be delivered again and
   *     leases taken over
   */
  public boolean drain(Duration timeout) {
    lock.lock();
    try {
      if (state == LifecycleState.CLOSED) {
        return true;
      }
      state = LifecycleState.DRAINING;
      long end = System.nanoTime() + timeout.toNanos();
      boolean all = true;
      for (int i = started.size() - 1; i >= 0; i--) {
        Duration left = Duration.ofNanos(Math.max(0, end - System.nanoTime()));
        all &= started.get(i).drain(left);
      }
      return all;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Closes all parts in reverse order, then the transports. Does not drain. Idempotent, never
   * throws.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      state = LifecycleState.CLOSED;
      for (int i = started.size() - 1; i >= 0; i--) {
        started.get(i).close();
      }
      started.clear();
      transports.forEach(MessageTransport::close);
    } finally {
      lock.unlock();
    }
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
   * Returns the health of all parts and transports, in start order. Never blocks.
   *
   * @return the worst status of all, with every part's own
   */
  public Health health() {
    Map<String, Health> parts = new LinkedHashMap<>();
    transports.forEach(transport -> parts.put(transport.name(), transport.health()));
    components.forEach(component -> parts.put(component.name(), component.health()));
    return Health.combine(parts);
  }

  /**
   * Collects the parts. Not thread-safe.
   *
   * @since 0.1
   */
  public static final class Builder {
    private final List<MessageTransport> transports = new ArrayList<>();
    private final List<LifecycleComponent> relays = new ArrayList<>();
    private final List<LifecycleComponent> sagas = new ArrayList<>();
    private final List<LifecycleComponent> subscriptions = new ArrayList<>();

    private Builder() {}

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
     * Builds the lifecycle; nothing is started yet.
     *
     * @return new lifecycle
     * @throws IllegalArgumentException if two parts have one name
     */
    public Lifecycle build() {
      Lifecycle lifecycle = new Lifecycle(this);
      long names = lifecycle.components.stream().map(LifecycleComponent::name).distinct().count();
      if (names != lifecycle.components.size()) {
        throw new IllegalArgumentException(
            "names: "
                + lifecycle.components.stream().map(LifecycleComponent::name).toList()
                + " (expected: distinct)");
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
