package io.commslib.outbox;

import io.commslib.core.Health;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Publishes the messages of an outbox and deletes each once its publish is confirmed. Any number of
 * relays may run on the same tables, in one process or many: they share the shards by lease, and
 * any relay takes over shards that another has released or lost.
 *
 * <p>Delivery is at least once: a message is published again if its confirmation or the deletion of
 * its row was lost. Order holds per key and destination: one message of a key is with the transport
 * at a time, or any number if the transport keeps them in order when one fails ({@link
 * Capability#KEYED_PUBLISH_FENCE}). An outage of a destination pauses only that destination and
 * consumes no attempt, and a destination that hangs leaves capacity for the others. A message that
 * the transport rejects permanently is parked after {@link OutboxConfig#attempts()}. While the
 * database is down, the relay waits for it.
 *
 * <p>Thread-safe. Runs three threads, named {@code commslib-outbox-relay}, {@code
 * commslib-outbox-ack} and {@code commslib-outbox-lease}, and on PostgreSQL a fourth, {@code
 * commslib-outbox-read}; each uses a connection only while it reads or writes.
 *
 * <pre>{@code
 * OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
 * relay.start();
 * }</pre>
 */
public final class OutboxRelay implements LifecycleComponent {

  private static final long CLOSE_SECONDS = 5;

  private enum Phase {
    NEW,
    RUNNING,
    CLOSED
  }

  private final JdbcOutbox outbox;
  private final OutboxEvents events;
  private final ShardLeases leases;
  private final ShardLeaseLoop leaseLoop;
  private final RelayLoop relayLoop;
  private final WakeSignal signal = new WakeSignal();
  private final RelayStandby standby;
  private final RelayWatch watch;
  private final CountDownLatch relayEnded = new CountDownLatch(1);
  private final CountDownLatch leaseEnded = new CountDownLatch(1);
  private final Thread relayThread;
  private final Thread leaseThread;
  private final List<Thread> backgroundThreads;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.NEW);

  private OutboxRelay(JdbcOutbox outbox, MessageTransport transport, CommsRuntime runtime) {
    this.outbox = outbox;
    String node = MessageIds.next(runtime.time(), runtime.random());
    this.leases = new ShardLeases(outbox.jdbc(), outbox.config(), runtime.time(), node);
    this.events = new OutboxEvents(runtime, outbox.config().observer(), name());
    this.standby = new RelayStandby(runtime);
    this.watch = new RelayWatch(passBound(outbox.config(), transport), events);
    this.leaseLoop =
        new ShardLeaseLoop(
            outbox.jdbc(), runtime, leases, this::standbyReason, signal::raise, events);
    this.relayLoop =
        new RelayLoop(
            outbox,
            Objects.requireNonNull(transport.publisher(), "publisher"),
            transport.capabilities().has(Capability.KEYED_PUBLISH_FENCE),
            runtime,
            leases,
            signal,
            standby,
            leaseLoop::wake,
            events);
    this.relayThread = runtime.newThread("outbox-relay", this::runRelay);
    this.leaseThread = runtime.newThread("outbox-lease", this::runLeases);
    this.backgroundThreads = new ArrayList<>();
    watch.add(relayThread, relayLoop.progress());
    watch.addObserver(leaseThread, leaseLoop.progress());
    relayLoop
        .backgroundTasks()
        .forEach(
            (name, task) -> {
              Thread thread = runtime.newThread(name, task::run);
              backgroundThreads.add(thread);
              watch.add(thread, task.progress());
            });
  }

  /** The time for a publish to time out, twice, and a lease for everything else in a pass. */
  private static Duration passBound(OutboxConfig config, MessageTransport transport) {
    return Timeouts.bounded(transport.publishTimeout()).multipliedBy(2).plus(config.leaseTime());
  }

  private String standbyReason() {
    String reason = watch.observe();
    return reason.isEmpty() ? standby.reason() : reason;
  }

  /**
   * Creates a relay.
   *
   * @param outbox the outbox to relay; a commit through this instance wakes the relay immediately
   * @param transport the transport to publish to
   * @param runtime time, randomness and threads
   * @return new relay, not yet started
   * @throws IllegalArgumentException if the outbox accepts larger messages than the transport
   */
  public static OutboxRelay create(
      JdbcOutbox outbox, MessageTransport transport, CommsRuntime runtime) {
    Objects.requireNonNull(outbox, "outbox");
    Objects.requireNonNull(transport, "transport");
    Checks.check(
        outbox.config().maxMessageBytes() <= transport.maxMessageBytes(),
        "OutboxConfig.maxMessageBytes",
        outbox.config().maxMessageBytes(),
        "at most maxMessageBytes of " + transport.name() + ", " + transport.maxMessageBytes());
    return new OutboxRelay(outbox, transport, Objects.requireNonNull(runtime, "runtime"));
  }

  @Override
  public String name() {
    return "outbox-relay";
  }

  /**
   * Checks the tables and starts the relay's threads.
   *
   * @throws io.commslib.core.StoreException if the schema is missing, older or newer, if the tables
   *     were made with another number of shards, or if the database is unreachable
   * @throws IllegalStateException if it was started or closed before
   */
  @Override
  public void start() {
    if (phase.get() != Phase.NEW) {
      throw new IllegalStateException("relay: " + phase.get() + " (expected: NEW)");
    }
    OutboxSchema.scripts().check(outbox.jdbc());
    new OutboxTransactions(outbox.jdbc())
        .run(
            "prepare",
            connection -> {
              leases.prepare(connection);
              return null;
            });
    if (!phase.compareAndSet(Phase.NEW, Phase.RUNNING)) {
      throw new IllegalStateException("relay: " + phase.get() + " (expected: NEW)");
    }
    outbox.addRelay(signal);
    try {
      backgroundThreads.forEach(Thread::start);
      relayThread.start();
      leaseThread.start();
    } catch (Throwable e) {
      // Without all its threads it must not run at all.
      close();
      throw e;
    }
  }

  /**
   * Publishes the messages that are in the outbox. Returns true once a fetch that began after this
   * call has found no more messages in this relay's shards, all messages are confirmed and deleted,
   * and no shard without an owner has a message. This method does not wait for the shards of other
   * relays, for messages that are not due, or for messages that need an operator: those behind a
   * parked message of their key, and those of a stopped destination.
   *
   * <p>Returns false when the timeout is over. If only messages in shards that no relay reads are
   * left, it returns false immediately: {@link #health()} counts them as {@code outsideShards}, and
   * the observer receives an event. A relay that does not run has nothing to wait for and returns
   * true.
   */
  @Override
  public boolean drain(Duration timeout) {
    if (phase.get() != Phase.RUNNING) {
      return true;
    }
    try {
      return relayLoop.drain().get(Timeouts.nanos(timeout), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (TimeoutException | ExecutionException e) {
      return false;
    }
  }

  /**
   * Stops and gives the shards back, within seconds. The next owner of a shard publishes again the
   * messages that were published and not confirmed.
   */
  @Override
  public void close() {
    Phase before = phase.getAndSet(Phase.CLOSED);
    if (before != Phase.RUNNING) {
      events.close();
      return;
    }
    outbox.removeRelay(signal);
    watch.close();
    relayLoop.close();
    leaseLoop.close();
    try {
      if (relayThread.getState() == Thread.State.NEW) {
        relayLoop.stopBackgroundTasks();
      }
      if (leaseThread.isAlive() && !leaseEnded.await(2 * CLOSE_SECONDS, TimeUnit.SECONDS)) {
        relayThread.interrupt();
        backgroundThreads.forEach(Thread::interrupt);
        leaseThread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      events.close();
    }
  }

  /**
   * Returns the health of the relay. Details: {@code oldestAgeMillis} of its own shards, {@code
   * backlog} and {@code parked} rows of all shards, {@code unownedShards}, {@code outsideShards}
   * (the messages in shards that no relay reads), {@code ownedShards}, {@code held} (the rows in
   * memory that are not yet confirmed and deleted); {@code relayPassAgeMillis}, {@code
   * leasePassAgeMillis}, {@code deletePassAgeMillis} and on PostgreSQL {@code readPassAgeMillis}
   * (the time since the last pass of each loop ended). Down while the database fails, the leases
   * have lapsed, the relay pauses after an error of the JVM, a thread of the relay has ended, or a
   * pass takes longer than a lease and twice the transport's publish timeout; then the reason names
   * the call that has not returned.
   */
  @Override
  public Health health() {
    Phase now = phase.get();
    if (now != Phase.RUNNING) {
      return Health.of(Health.Status.DOWN, now == Phase.NEW ? "not started" : "closed", Map.of());
    }
    RelayState state = relayLoop.state();
    Map<String, String> details = new HashMap<>();
    leaseLoop.backlog().describe(details);
    watch.describe(details);
    details.put("ownedShards", Integer.toString(leases.current().epochs().size()));
    details.put("held", Integer.toString(state.inMemory()));
    String failure =
        Stream.of(watch.trouble(), standby.reason(), state.failure(), leaseLoop.failure())
            .filter(text -> !text.isEmpty())
            .findFirst()
            .orElse(leases.hasLapsed() ? "leases not renewed in time" : "");
    if (!failure.isEmpty()) {
      return Health.of(Health.Status.DOWN, failure, details);
    }
    String unreached =
        state.unreached().isEmpty() ? "" : "destinations unreachable: " + state.unreached();
    String trouble =
        Stream.of(
                unreached, leaseLoop.backlog().trouble(outbox.config().shards()), events.trouble())
            .filter(text -> !text.isEmpty())
            .collect(Collectors.joining("; "));
    return Health.of(
        trouble.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, trouble, details);
  }

  /**
   * Measures the outbox. Blocks for one transaction of a dozen short statements. Its cost does not
   * grow with the backlog, so that metrics can be read every few seconds.
   *
   * @return the measurements
   * @throws io.commslib.core.StoreException if the database fails
   */
  public OutboxHealth measure() {
    HealthReader reader = new HealthReader(outbox.jdbc(), outbox.config().shards());
    return new OutboxTransactions(outbox.jdbc())
        .run("measure", connection -> reader.read(connection, leases, relayLoop.lag()));
  }

  private void runRelay() {
    try {
      relayLoop.run();
    } finally {
      relayLoop.stopBackgroundTasks();
      relayEnded.countDown();
      // The lease thread must give the shards back before its next tick.
      leaseLoop.wake();
    }
  }

  private void runLeases() {
    try {
      leaseLoop.run();
      // No relay should own a shard while this one may still publish from it.
      if (!relayThread.isAlive() || relayEnded.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        leaseLoop.release();
      }
    } catch (Throwable e) {
      events.failed("the shards could not be given back", e);
    } finally {
      leaseEnded.countDown();
    }
  }
}
