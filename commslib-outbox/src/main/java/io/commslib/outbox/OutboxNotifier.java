package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;
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
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Wakes relays in other processes after a commit, by PostgreSQL's NOTIFY. Without it, those relays
 * find a message at their next poll. Run one in every process that writes to the outbox or relays
 * it. A notification is sent after the commit, in a transaction of its own, at most every 5 ms for
 * any number of commits. It may be lost, and then polling finds the message, so that only latency
 * depends on it.
 *
 * <p>Listening requires a session of its own. Behind a pooler that shares server connections by
 * transaction, nothing arrives: give the notifier a data source that connects to the server
 * directly. The notifier checks this while a relay of its {@link JdbcOutbox} runs in this process.
 * It sends a notification to itself when it begins to listen, and every 20 s, and is {@code
 * DEGRADED} until it has heard one, and again after one that has not arrived within 5 s.
 *
 * <p>Thread-safe. Runs two threads, named {@code commslib-outbox-notify} and {@code
 * commslib-outbox-listen}. Uses one connection of the data source it listens on while a relay of
 * the same {@link JdbcOutbox} runs in this process, and one of the outbox's data source for a
 * moment for each notification.
 */
public final class OutboxNotifier implements LifecycleComponent {

  private static final Duration DEBOUNCE = Duration.ofMillis(5);
  private static final Duration FAILURE_BACKOFF = Duration.ofSeconds(1);
  private static final int POLL_MILLIS = 500;
  private static final Duration ECHO_INTERVAL = Duration.ofSeconds(20);
  private static final Duration ECHO_TIMEOUT = Duration.ofSeconds(5);
  private static final int CHECK_SECONDS = 2;
  private static final long CLOSE_SECONDS = 5;
  private static final String POLLING = "relays find messages by polling";
  private static final String DEAF_CODE = "COMMS-OUTBOX-005";
  private static final String DEAF_TEXT =
      "the notifier does not hear its own notification (expected: a session of its own, as from a"
          + " data source that does not connect through a pooler)";
  private static final String DEAF = DEAF_CODE + ": " + DEAF_TEXT;

  private final JdbcOutbox outbox;
  private final OutboxTransactions transactions;
  private final DataSource listenSource;
  private final CommsRuntime runtime;
  private final String node;
  private final NotifierEcho echo;
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

  /** Created by the listening thread when the database answers. */
  private @Nullable SingleStatements connections;

  private volatile boolean isListening;
  private volatile boolean isDeaf;
  private volatile boolean closed;

  private OutboxNotifier(
      JdbcOutbox outbox,
      DataSource listenSource,
      CommsRuntime runtime,
      Duration echoInterval,
      Duration echoTimeout) {
    Checks.check(
        outbox.jdbc().dialect() == SqlDialect.POSTGRESQL,
        "dialect",
        outbox.jdbc().dialect(),
        "POSTGRESQL");
    this.outbox = outbox;
    this.transactions = OutboxTransactions.ofLoop(outbox.jdbc());
    this.listenSource = listenSource;
    this.runtime = runtime;
    this.node = MessageIds.next(runtime.time(), runtime.random());
    this.echo = new NotifierEcho(node, echoInterval, echoTimeout);
    int table = outbox.jdbc().table("outbox_message").hashCode();
    this.channel = String.format(Locale.ROOT, "commslib_outbox_%08x", table);
    this.events = new OutboxEvents(runtime, outbox.config().observer(), name());
    this.sending = new OutageLogger(events, "sending notifications");
    this.listening = new OutageLogger(events, "listening for notifications");
    this.notifyThread = runtime.newThread("outbox-notify", this::notifyOthers);
    this.listenThread = runtime.newThread("outbox-listen", this::listenToOthers);
  }

  /**
   * Creates a notifier that listens on the outbox's own data source, which must connect to the
   * server directly.
   *
   * @param outbox the outbox whose commits it announces and whose relays it wakes
   * @param runtime time, randomness and threads
   * @return new notifier, not yet started
   * @throws IllegalArgumentException if the outbox is not on PostgreSQL
   */
  public static OutboxNotifier create(JdbcOutbox outbox, CommsRuntime runtime) {
    return create(outbox, outbox.jdbc().dataSource(), runtime);
  }

  /**
   * Creates a notifier that listens on a data source of its own. Use it if the outbox's connections
   * go through a pooler that shares sessions. It still sends on the outbox's data source, so that
   * it hears itself only if both lead to the same database.
   *
   * @param outbox the outbox whose commits it announces and whose relays it wakes
   * @param direct connects to the outbox's database without such a pooler; one connection of it is
   *     used. The caller closes it after the notifier
   * @param runtime time, randomness and threads
   * @return new notifier, not yet started
   * @throws IllegalArgumentException if the outbox is not on PostgreSQL
   */
  public static OutboxNotifier create(JdbcOutbox outbox, DataSource direct, CommsRuntime runtime) {
    return create(outbox, direct, runtime, ECHO_INTERVAL, ECHO_TIMEOUT);
  }

  /** With the time between two checks and the limit of each. */
  static OutboxNotifier create(
      JdbcOutbox outbox,
      DataSource direct,
      CommsRuntime runtime,
      Duration echoInterval,
      Duration echoTimeout) {
    return new OutboxNotifier(
        Objects.requireNonNull(outbox, "outbox"),
        Objects.requireNonNull(direct, "direct"),
        Objects.requireNonNull(runtime, "runtime"),
        echoInterval,
        echoTimeout);
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
   * without it. While a relay of its outbox runs in this process, it is {@code DEGRADED} until the
   * notifier has heard a notification of its own, and after one that has not arrived; then the
   * reason begins with {@code COMMS-OUTBOX-005}. Its details are the numbers of {@code sent} and
   * {@code received} notifications of commits, and whether it is {@code listening}, which is true
   * only while it hears itself.
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
        : Health.of(Health.Status.DEGRADED, (isDeaf ? DEAF + "; " : "") + POLLING, details);
  }

  private void notifyOthers() {
    repeatUntilClosed(
        () -> {
          commits.await(FAILURE_BACKOFF.toNanos());
          if (closed) {
            return;
          }
          String question = echo.takeQuestion();
          if (question != null) {
            send(question);
          }
          if (commits.takeRaised()) {
            if (send(node)) {
              sent.incrementAndGet();
            }
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

  private boolean send(String payload) {
    try {
      transactions.single(
          "notify",
          connection -> {
            try (PreparedStatement notify = connection.prepareStatement("SELECT pg_notify(?, ?)")) {
              notify.setString(1, channel);
              notify.setString(2, payload);
              return notify.execute();
            }
          });
      sending.succeeded();
      return true;
    } catch (Throwable e) {
      // Polling finds the message. The thread continues, whatever a driver or a pool throws.
      sending.failed(e);
      return false;
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
      connections()
          .run(
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

  private SingleStatements connections() {
    SingleStatements made = connections;
    if (made == null) {
      JdbcDatabase direct =
          listenSource == outbox.jdbc().dataSource()
              ? outbox.jdbc()
              : JdbcDatabase.builder(listenSource).build();
      made = SingleStatements.on(direct);
      connections = made;
    }
    return made;
  }

  private void listen(Connection connection) throws SQLException {
    boolean stopped = false;
    try {
      PGConnection notifications = connection.unwrap(PGConnection.class);
      execute(connection, "LISTEN " + channel);
      ask();
      while (!closed && outbox.hasRelays()) {
        receive(notifications.getNotifications(POLL_MILLIS));
        long now = runtime.time().nanoTime();
        if (echo.isOverdue(now)) {
          reportDeaf();
          if (!connection.isValid(CHECK_SECONDS)) {
            // A connection that was cut silently would never report anything.
            return;
          }
          // Leaves nothing behind in the session of a pooler.
          execute(connection, "UNLISTEN " + channel);
          execute(connection, "LISTEN " + channel);
        }
        if (echo.isDue(now, isListening)) {
          ask();
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

  private void ask() {
    echo.ask(runtime.time().nanoTime());
    commits.nudge();
  }

  private void reportDeaf() {
    isListening = false;
    isDeaf = true;
    listening.failed(new StoreException(DEAF_CODE, FailureKind.TRANSIENT, DEAF_TEXT, null));
  }

  private void heardItself() {
    if (!isListening) {
      isListening = true;
      isDeaf = false;
      listening.succeeded();
      // Notifications sent before LISTEN, or while it did not work, do not arrive.
      outbox.wakeRelays();
    }
  }

  private void receive(PGNotification[] notifications) {
    boolean fromOthers = false;
    for (PGNotification notification : notifications) {
      String payload = notification.getParameter();
      if (echo.hears(payload)) {
        heardItself();
      } else if (!payload.equals(node) && !NotifierEcho.isEcho(payload)) {
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
