package io.commslib.outbox;

import io.commslib.core.Health;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.SingleStatements;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Wakes relays in other processes after a commit, by PostgreSQL's NOTIFY. Without it, those relays
 * find a message at their next poll. Run one in every process that writes to the outbox or relays
 * it. A notification is sent after the commit, in a transaction of its own, at most every 5 ms for
 * any number of commits. It may be lost, and then polling finds the message, so that only latency
 * depends on it.
 *
 * <p>Thread-safe. Runs two threads, named {@code commslib-outbox-notify} and {@code
 * commslib-outbox-listen}. Uses one connection of the pool while a relay of the same {@link
 * JdbcOutbox} runs in this process, and one for a moment for each notification. Requires sessions
 * of its own: a pooler that shares server connections by transaction does not work.
 */
public final class OutboxNotifier implements LifecycleComponent {

  private static final Duration DEBOUNCE = Duration.ofMillis(5);
  private static final Duration FAILURE_BACKOFF = Duration.ofSeconds(1);
  private static final int POLL_MILLIS = 500;
  private static final int POLLS_BETWEEN_CHECKS = 40;
  private static final int CHECK_SECONDS = 2;
  private static final long CLOSE_SECONDS = 5;

  private final JdbcOutbox outbox;
  private final OutboxTransactions transactions;
  private final SingleStatements connections;
  private final String node;
  private final String channel;
  private final WakeSignal commits = new WakeSignal();
  private final WakeSignal pause = new WakeSignal();
  private final AtomicBoolean started = new AtomicBoolean();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final CountDownLatch ended = new CountDownLatch(2);
  private final OutboxEvents events;
  private final OutageLogger sending;
  private final OutageLogger listening;
  private final Thread notifyThread;
  private final Thread listenThread;
  private volatile boolean isListening;
  private volatile boolean closed;

  private OutboxNotifier(JdbcOutbox outbox, CommsRuntime runtime) {
    Checks.check(
        outbox.jdbc().dialect() == SqlDialect.POSTGRESQL,
        "dialect",
        outbox.jdbc().dialect(),
        "POSTGRESQL");
    this.outbox = outbox;
    this.transactions = OutboxTransactions.ofLoop(outbox.jdbc());
    this.connections = SingleStatements.on(outbox.jdbc());
    this.node = MessageIds.next(runtime.time(), runtime.random());
    int table = outbox.jdbc().table("outbox_message").hashCode();
    this.channel = String.format(Locale.ROOT, "commslib_outbox_%08x", table);
    this.events = new OutboxEvents(runtime, outbox.config().observer(), name());
    this.sending = new OutageLogger(events, "sending notifications");
    this.listening = new OutageLogger(events, "listening for notifications");
    this.notifyThread = runtime.newThread("outbox-notify", this::notifyOthers);
    this.listenThread = runtime.newThread("outbox-listen", this::listenToOthers);
  }

  /**
   * Creates a notifier.
   *
   * @param outbox the outbox whose commits it announces and whose relays it wakes
   * @param runtime time, randomness and threads
   * @return new notifier, not yet started
   * @throws IllegalArgumentException if the outbox is not on PostgreSQL
   */
  public static OutboxNotifier create(JdbcOutbox outbox, CommsRuntime runtime) {
    return new OutboxNotifier(
        Objects.requireNonNull(outbox, "outbox"), Objects.requireNonNull(runtime, "runtime"));
  }

  @Override
  public String name() {
    return "outbox-notifier";
  }

  /**
   * Starts the threads.
   *
   * @throws IllegalStateException if it was started or closed before
   */
  @Override
  public void start() {
    if (closed || !started.compareAndSet(false, true)) {
      throw new IllegalStateException("notifier: started (expected: NEW)");
    }
    outbox.addNotifier(commits);
    notifyThread.start();
    listenThread.start();
    if (closed) {
      outbox.removeNotifier(commits);
    }
  }

  /** Returns immediately. Polling finds the messages whose notifications are not sent. */
  @Override
  public boolean drain(Duration timeout) {
    return true;
  }

  /** Stops the threads. Blocks for up to 5 s. Closing again has no effect. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    outbox.removeNotifier(commits);
    commits.raise();
    pause.raise();
    if (!started.get()) {
      events.close();
      return;
    }
    try {
      if (!ended.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        events.stalled("the database has not answered while the notifier closes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      events.close();
    }
  }

  /**
   * Returns the health of the notifier. It is never {@code DOWN}, because messages are published
   * without it. Its details are the numbers of {@code sent} and {@code received} notifications, and
   * {@code listening}.
   */
  @Override
  public Health health() {
    Map<String, String> details =
        Map.of(
            "sent", Long.toString(sent.get()),
            "received", Long.toString(received.get()),
            "listening", Boolean.toString(isListening));
    boolean working = !closed && started.get() && (isListening || !outbox.hasRelays());
    return working
        ? Health.of(Health.Status.UP, "", details)
        : Health.of(Health.Status.DEGRADED, "relays find messages by polling", details);
  }

  private void notifyOthers() {
    repeatUntilClosed(
        () -> {
          if (commits.await(FAILURE_BACKOFF.toNanos()) && !closed) {
            commits.takeRaised();
            send();
            commits.linger(DEBOUNCE.toNanos(), () -> closed);
          }
        });
  }

  private interface Step {
    void run() throws InterruptedException;
  }

  /** Neither an error nor an interrupt by a driver ends a thread of the notifier, only closing. */
  private void repeatUntilClosed(Step step) {
    try {
      while (!closed) {
        try {
          Thread.interrupted();
          step.run();
        } catch (Throwable e) {
          Thread.onSpinWait();
        }
      }
    } finally {
      ended.countDown();
    }
  }

  private void send() {
    try {
      transactions.single(
          "notify",
          connection -> {
            try (PreparedStatement notify = connection.prepareStatement("SELECT pg_notify(?, ?)")) {
              notify.setString(1, channel);
              notify.setString(2, node);
              return notify.execute();
            }
          });
      sent.incrementAndGet();
      sending.succeeded();
    } catch (Throwable e) {
      // Polling finds the message. The thread continues, whatever a driver or a pool throws.
      sending.failed(e);
    }
  }

  private void listenToOthers() {
    repeatUntilClosed(
        () -> {
          if (outbox.hasRelays()) {
            listen();
          }
          Thread.interrupted();
          pause.await(FAILURE_BACKOFF.toNanos());
        });
  }

  /** Returns when the connection breaks or no relay runs in this process. */
  private void listen() {
    try {
      connections.run(
          "outbox listen",
          connection -> {
            listen(connection);
            return null;
          });
    } catch (SQLException e) {
      listening.failed(SqlErrors.translate("outbox listen", e));
    } catch (Throwable e) {
      // The thread continues, whatever a driver or a pool throws.
      listening.failed(e);
    } finally {
      isListening = false;
    }
  }

  private void listen(Connection connection) throws SQLException {
    boolean stopped = false;
    try {
      PGConnection notifications = connection.unwrap(PGConnection.class);
      execute(connection, "LISTEN " + channel);
      isListening = true;
      listening.succeeded();
      // Notifications sent before LISTEN do not arrive.
      outbox.wakeRelays();
      for (int poll = 1; !closed && outbox.hasRelays(); poll++) {
        receive(notifications.getNotifications(POLL_MILLIS));
        if (poll % POLLS_BETWEEN_CHECKS == 0 && !connection.isValid(CHECK_SECONDS)) {
          // A connection that was cut silently would never report anything.
          return;
        }
      }
      execute(connection, "UNLISTEN " + channel);
      receive(notifications.getNotifications());
      stopped = true;
    } finally {
      if (!stopped) {
        // The next user of the connection must not receive notifications.
        connection.abort(Runnable::run);
      }
    }
  }

  private void receive(PGNotification[] notifications) {
    boolean fromOthers = false;
    for (PGNotification notification : notifications) {
      if (!notification.getParameter().equals(node)) {
        fromOthers = true;
        received.incrementAndGet();
      }
    }
    if (fromOthers) {
      outbox.wakeRelays();
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
