package io.commslib.benchmarks.chaos.broker;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * A member of the judged group in a separate process. Each message has its effect in a table, in
 * one transaction with the inbox. The process ends in order with status 0 at SIGTERM, or when its
 * input ends.
 */
public final class ConsumerProcess {

  static final String READY = "member";
  static final String RECEIVED = "received ";

  /** A message of this writer ends the process that handles it. */
  static final String KILLING_WRITER = "killer";

  /** Argument: destinations are only verified, not declared. */
  static final String VERIFY_ONLY = "verifyOnly";

  /** The cause of the dead letters of members that fail. */
  static final String FAILURE_CAUSE = IllegalStateException.class.getName();

  private static final long SLOW_NANOS = 200_000_000;

  private final Map<String, String> arguments;

  private ConsumerProcess(Map<String, String> arguments) {
    this.arguments = arguments;
  }

  /** Arguments are {@code NAME=VALUE}; see {@link ProcessMembers}. */
  public static void main(String[] texts) throws Exception {
    Map<String, String> arguments = new HashMap<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      arguments.put(text.substring(0, equals), text.substring(equals + 1));
    }
    new ConsumerProcess(arguments).run();
  }

  private String get(String name) {
    String value = arguments.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + ": missing");
    }
    return value;
  }

  private void run() throws Exception {
    HikariDataSource pool = ChaosDatabase.pool(get("url"), get("user"), 10);
    // Processes that start at the same time on a busy machine are slow to connect.
    pool.setConnectionTimeout(30_000);
    JdbcDatabase database = JdbcDatabase.builder(pool).schema(get("schema")).build();
    ChaosTables tables = new ChaosTables(database);
    PlantedErrors errors = new PlantedErrors(Boolean.parseBoolean(get("errors")));
    BrokerSaboteur saboteur = BrokerSaboteur.valueOf(get("saboteur"));
    JdbcInbox inbox = JdbcInbox.create(database, InboxConfig.defaults());
    MessageTransport transport = Broker.Kind.valueOf(get("broker")).open(arguments, errors);
    Destination source = Destination.parse(get("source"));
    DestinationConfig.Builder declared =
        DestinationConfig.builder(source)
            .partitions(KafkaRowEnvironment.PARTITIONS)
            .group(GroupMembers.GROUP);
    if (arguments.containsKey(VERIFY_ONLY)) {
      declared.verifyOnly();
    }
    transport.declare(declared.build());
    SubscriptionConfig.Builder wanted =
        SubscriptionConfig.builder(source, GroupMembers.GROUP)
            .maxInFlight(Integer.parseInt(get("maxInFlight")))
            .maxInFlightBytes(Long.parseLong(get("bytes")));
    boolean failing = Boolean.parseBoolean(get("failing"));
    if (failing) {
      wanted
          .withoutDeadLetterBreaker()
          .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build());
    }
    errors.configure(wanted);
    saboteur.configure(wanted, JdbcTransactionRunner.create(database), inbox);
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                wanted.build(),
                saboteur.wrap(
                    errors.wrap(delivery -> handle(saboteur, tables, failing, delivery))));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(transport, subscription)));
    System.out.println(READY);
    while (System.in.read() >= 0) {
      // The parent process ends this one by closing its input, also when it dies.
    }
    end(transport, subscription);
  }

  private static Settlement handle(
      BrokerSaboteur saboteur, ChaosTables tables, boolean failing, Delivery delivery)
      throws SQLException {
    MessageTrace trace = MessageTrace.of(delivery.message());
    if (trace.writer().equals(KILLING_WRITER)) {
      Runtime.getRuntime().halt(137);
    }
    if (failing) {
      // Slower than messages arrive, so that the member's intake has to pause.
      LockSupport.parkNanos(SLOW_NANOS);
      if (isBad(trace) && delivery.redriveCount() == 0) {
        throw new IllegalStateException("bad");
      }
    }
    if (saboteur.delays(trace, delivery.attempt())) {
      return Settlement.retry(BrokerSaboteur.RETRY_DELAY);
    }
    if (saboteur.skipsEffect(trace)) {
      return Settlement.done();
    }
    tables.insertEffect(delivery.transaction().unwrap(Connection.class), GroupMembers.GROUP, trace);
    return Settlement.done();
  }

  /** Returns whether members that fail do so with this message: one in four. */
  static boolean isBad(MessageTrace trace) {
    return trace.seq() % 4 == 1;
  }

  private static synchronized void end(MessageTransport transport, Subscription subscription) {
    subscription.drain(Duration.ofSeconds(20));
    transport.close();
    System.out.println(RECEIVED + subscription.snapshot().count(Count.RECEIVED));
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
