package io.commslib.benchmarks.chaos.kafka;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.MessageTrace;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * A member of the judged group in a process of its own: each message has its effect in a table, in
 * one transaction with the inbox. Ends in order with status 0 at SIGTERM, or when its input ends.
 */
public final class ConsumerProcess {

  static final String READY = "member";
  static final String RECEIVED = "received ";

  /** A message of this writer ends the process that handles it. */
  static final String KILLER = "killer";

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
    HikariConfig pool = new HikariConfig();
    pool.setJdbcUrl(get("url"));
    pool.setUsername(get("user"));
    pool.setPassword(get("user"));
    pool.setMaximumPoolSize(10);
    JdbcDatabase database =
        JdbcDatabase.builder(new HikariDataSource(pool)).schema(get("schema")).build();
    ChaosTables tables = new ChaosTables(database);
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(get("servers"))
            .groupProtocol(GroupProtocol.valueOf(get("protocol")))
            .maxMessageBytes(2 * 1024 * 1024);
    if (config.build().groupProtocol() == GroupProtocol.CLASSIC) {
      config.sessionTimeout(Duration.parse(get("session")));
    }
    arguments.forEach(
        (name, value) -> {
          if (name.startsWith("client.")) {
            config.clientSetting(name.substring("client.".length()), value);
          }
        });
    KafkaTransport transport = KafkaTransport.create(config.build());
    Destination source = Destination.parse(get("source"));
    transport.declare(DestinationConfig.builder(source).partitions(KafkaScene.PARTITIONS).build());
    Saboteur saboteur = Saboteur.valueOf(get("saboteur"));
    SubscriptionConfig.Builder wanted =
        SubscriptionConfig.builder(source, Members.GROUP)
            .maxInFlightBytes(Long.parseLong(get("bytes")));
    saboteur.set(
        wanted,
        JdbcTransactionRunner.create(database),
        JdbcInbox.create(database, InboxConfig.defaults()));
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(wanted.build(), delivery -> handle(saboteur, tables, delivery));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(transport, subscription)));
    System.out.println(READY);
    while (System.in.read() >= 0) {
      // Whoever started this process ends it by closing its input, also by dying.
    }
    end(transport, subscription);
  }

  private static Settlement handle(Saboteur saboteur, ChaosTables tables, Delivery delivery)
      throws SQLException {
    MessageTrace trace = MessageTrace.of(delivery.message());
    if (trace.writer().equals(KILLER)) {
      Runtime.getRuntime().halt(137);
    }
    if (saboteur.delays(trace, delivery.attempt())) {
      return Settlement.retry(Saboteur.LATER);
    }
    if (saboteur.forgets(trace)) {
      return Settlement.done();
    }
    tables.insertEffect(delivery.transaction().unwrap(Connection.class), Members.GROUP, trace);
    return Settlement.done();
  }

  private static synchronized void end(KafkaTransport transport, Subscription subscription) {
    subscription.drain(Duration.ofSeconds(20));
    transport.close();
    System.out.println(RECEIVED + subscription.snapshot().count(Count.RECEIVED));
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
