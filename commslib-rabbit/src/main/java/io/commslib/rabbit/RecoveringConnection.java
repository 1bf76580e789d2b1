package io.commslib.rabbit;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.ShutdownSignalException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that is re-established whenever it is lost. The client's own recovery is off, since
 * it restores stale state and can silently lose a consumer. Listeners are called with each new
 * connection and set up their channels.
 */
final class RecoveringConnection {

  /**
   * Sets up channels on a new connection. Called on the thread that has connected; may block and
   * may fail, for which the connection is closed. The listeners of a connection that several users
   * share do neither.
   */
  interface Listener {
    void connected(Connection connection) throws IOException;
  }

  /**
   * More than the largest body that RabbitMQ can be configured to accept. Bodies over the
   * transport's own limit are dead-lettered; the client would close the connection instead, and
   * receive the message again.
   */
  private static final int BODY_BYTES_LIMIT = 512 * 1024 * 1024 + 1;

  private static final int ABORT_MILLIS = 1_000;

  private static final Logger log = LoggerFactory.getLogger(RecoveringConnection.class);

  private final RabbitTransportConfig config;
  private final CommsRuntime runtime;
  private final String role;
  private final ConnectionFactory factory;
  private final Workers recovery;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile @Nullable Connection connection;
  private volatile boolean closed;
  private volatile String downReason = "no connection yet";
  private final AtomicBoolean recovering = new AtomicBoolean();
  private final AtomicInteger failures = new AtomicInteger();

  /** The index of the host that is tried first; guarded by the lock. */
  private int nextHost;

  RecoveringConnection(RabbitTransportConfig config, CommsRuntime runtime, String role) {
    this.config = config;
    this.runtime = runtime;
    this.role = role;
    this.factory = factory(config, runtime, role);
    this.recovery = runtime.newWorkers("rabbit-recovery-" + role, 1);
  }

  private static ConnectionFactory factory(
      RabbitTransportConfig config, CommsRuntime runtime, String role) {
    ConnectionFactory factory = new TolerantConnectionFactory();
    config.address().applyTo(factory, config.tls());
    config.nativeSettings().accept(factory);
    int timeout = (int) config.operationTimeout().toMillis();
    AtomicInteger number = new AtomicInteger();
    factory.setAutomaticRecoveryEnabled(false);
    factory.setTopologyRecoveryEnabled(false);
    factory.setConnectionTimeout(timeout);
    factory.setHandshakeTimeout(timeout);
    factory.setChannelRpcTimeout(timeout);
    factory.setRequestedHeartbeat((int) config.heartbeat().toSeconds());
    factory.setMaxInboundMessageBodySize(BODY_BYTES_LIMIT);
    factory.setThreadFactory(
        body -> runtime.newThread("rabbit-" + role + "-" + number.incrementAndGet(), body));
    return factory;
  }

  /** Adds a listener that is called with each later connection. */
  void addListener(Listener listener) {
    listeners.add(listener);
  }

  void removeListener(Listener listener) {
    listeners.remove(listener);
  }

  Optional<Connection> current() {
    Connection known = connection;
    return known != null && known.isOpen() ? Optional.of(known) : Optional.empty();
  }

  /** Returns the connection; connects first if there is none. Blocks. */
  Connection connect() throws IOException {
    lock.lock();
    try {
      Connection known = connection;
      if (known != null && known.isOpen()) {
        return known;
      }
      if (closed) {
        throw new IOException("closed");
      }
      Connection created = newConnection();
      created.addShutdownListener(this::lost);
      connection = created;
      if (closed) {
        // Closed while it connected: either close() has seen this connection, or it ends here.
        abandon();
        throw new IOException("closed");
      }
      setUpListeners(created);
      failures.set(0);
      return created;
    } finally {
      lock.unlock();
    }
  }

  /** Tries each host once, first the one after that of the last connection. Lock held. */
  private Connection newConnection() throws IOException {
    List<Address> hosts = config.address().hosts();
    Map<Address, IOException> refusals = new LinkedHashMap<>();
    for (int tried = 0; tried < hosts.size() && !closed; tried++) {
      int index = (nextHost + tried) % hosts.size();
      try {
        Connection created = newConnection(hosts, index);
        nextHost = (index + 1) % hosts.size();
        return created;
      } catch (IOException e) {
        refusals.put(hosts.get(index), e);
      }
    }
    if (refusals.isEmpty()) {
      throw new IOException("closed");
    }
    throw refusals.size() == 1
        ? refusals.values().iterator().next()
        : new NoHostException(refusals);
  }

  private Connection newConnection(List<Address> hosts, int index) throws IOException {
    String name = config.connectionName() + "-" + role;
    try {
      // A single host may have been replaced by the native settings.
      return hosts.size() == 1
          ? factory.newConnection(name)
          : factory.newConnection(List.of(hosts.get(index)), name);
    } catch (TimeoutException e) {
      throw new IOException("no answer to the handshake", e);
    }
  }

  /** Calls all listeners; closes the connection if one of them fails. */
  private void setUpListeners(Connection created) throws IOException {
    boolean usable = false;
    try {
      for (Listener listener : listeners) {
        listener.connected(created);
      }
      usable = true;
    } finally {
      if (!usable) {
        created.abort(ABORT_MILLIS);
      }
    }
  }

  private void lost(ShutdownSignalException reason) {
    if (!reason.isInitiatedByApplication()) {
      downReason = RabbitErrors.text(reason);
      if (!closed) {
        log.warn("connection to {} lost: {}", config.address(), downReason);
      }
    }
    recover();
  }

  /**
   * Closes a connection that has lost a channel; a new one is the simplest way to a new channel.
   */
  void replace(Connection broken, String reason) {
    downReason = reason;
    broken.abort(ABORT_MILLIS);
  }

  /** {@return the reason for which there is no connection; meaningless while there is one} */
  String downReason() {
    return downReason;
  }

  /**
   * Connects in the background, and retries until it succeeds. Idempotent; does not block, not even
   * while a silent broker delays an attempt.
   */
  void recover() {
    if (closed || !recovering.compareAndSet(false, true)) {
      return;
    }
    int failed = Math.min(failures.incrementAndGet(), 20);
    runtime
        .scheduler()
        .schedule(config.reconnect().next(failed, runtime.random()), this::reconnectSoon);
  }

  private void reconnectSoon() {
    try {
      recovery.execute(this::reconnect);
    } catch (java.util.concurrent.RejectedExecutionException e) {
      // Closed in the meantime.
      log.debug("no recovery: closed");
    }
  }

  private void reconnect() {
    // Reset before the attempt, so that an immediate loss of the connection is not missed.
    recovering.set(false);
    lock.lock();
    try {
      if (!closed) {
        connect();
        log.info("connected to {}", config.address());
      }
    } catch (Throwable e) {
      // Errors too: only this method schedules the next attempt.
      downReason = RabbitErrors.text(e);
      log.info("can't connect to {} yet: {}", config.address(), downReason);
      abandon();
      recover();
    } finally {
      lock.unlock();
    }
  }

  /** Closes a connection whose set-up failed. */
  private void abandon() {
    Connection known = connection;
    connection = null;
    if (known != null) {
      known.abort(ABORT_MILLIS);
    }
  }

  void close() {
    closed = true;
    Connection known = connection;
    if (known != null) {
      known.abort(2_000);
    }
    recovery.close();
  }
}
