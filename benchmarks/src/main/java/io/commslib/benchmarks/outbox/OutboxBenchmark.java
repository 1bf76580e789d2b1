package io.commslib.benchmarks.outbox;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.measure.CountingDataSource;
import io.commslib.benchmarks.measure.CountingSink;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import io.commslib.testkit.servers.RabbitServer;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** Outbox: what a commit costs, how fast the relay is, and what it leaves of the database. */
public final class OutboxBenchmark implements Benchmark {

  private static final int PRODUCERS = 4;
  private static final String FLOOR = "raw owned-shard loop (floor)";
  private static final String RELAY = "commslib relay";
  private static final String GRUELBOX = "gruelbox, 8 threads";
  private static final String DB_SCHEDULER = "db-scheduler, 20 threads";
  private static final String COMMITS = "business + outbox row, no relay (floor)";
  private static final String ALONE = "relay alone";
  private static final String BARE = "bare client";
  private static final String TO_BROKER = "relay to the broker";
  private static final String MANY_KEYS = "relay to the broker, 10,000 keys";
  private static final int MANY = 10_000;
  private static final String END_TO_END = "commslib, business to published";

  private final Map<String, Double> figures = new LinkedHashMap<>();

  @Override
  public String workload() {
    return "PostgreSQL with fsync and synchronous_commit on, 2 GB of shared buffers: the largest"
        + " table fits. Drain: 40,000 rows of 256 bytes over 1,000 keys and 16 shards go to a"
        + " publisher that only counts, until the table is empty; the floor is one thread of"
        + " plain JDBC that reads each shard in batches of 500, all columns, and deletes by id."
        + " End to end: 4 threads commit 20,000 times one business row and one message; the"
        + " floor is the same in plain JDBC with nobody relaying. Latency: commit returned to"
        + " published, 500 messages a second. Statements and log bytes: the end-to-end run, per"
        + " message, beyond the business insert. Backlog: cost per row at 1,000,000 by cost at"
        + " 10,000, child JVM with 256 MiB; the raw loop beside it. Old snapshot: drain with"
        + " one held open and 100,000 dead rows by drain of a vacuumed table, by relays that"
        + " have published before: the first look of one passes over the dead. Brokers: relay"
        + " to Kafka (100,000 rows) and RabbitMQ (40,000, its queue emptied before each round)"
        + " by the slower of relay alone and bare client; neither fences keys, so one message"
        + " of a key is on its way at a time: printed besides with 10,000 keys, and the most"
        + " that the processors allow: all of them by the processor time a message takes in"
        + " relay alone and bare client, their servers included.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    out.println("peers: " + OutboxPeers.versions());
    try (PostgresServer server = PostgresServer.start(OutboxTestbed.serverSettings());
        OutboxTestbed bed = new OutboxTestbed(server.jdbcUrl(), server.user(), server.password())) {
      drain(bed, quick, out);
      endToEnd(bed, quick, out);
      latency(bed, quick, out);
      load(bed, quick, out);
      backlog(server, quick, out);
      oldSnapshot(bed, quick, out);
      brokers(bed, quick, out);
    }
    return figures;
  }

  private void drain(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    int rows = quick ? 4_000 : 40_000;
    int peerRows = quick ? 500 : 6_000;
    RawOutbox raw = new RawOutbox(bed);
    OutboxPeers peers = new OutboxPeers(bed);
    CountingSink sink = new CountingSink();
    Rounds rounds =
        new Rounds()
            .contender(FLOOR, () -> raw.drain(rows))
            .contender(RELAY, () -> bed.drain(rows, sink))
            .contender(GRUELBOX, () -> peers.gruelbox(peerRows))
            .contender(DB_SCHEDULER, () -> peers.dbScheduler(peerRows))
            .run(quick ? 0 : 4, quick ? 1 : 7);
    out.println("drain:");
    rounds.print(out, "rows/s");
    figures.put("drainVsFloor", rounds.ratio(RELAY, FLOOR));
    figures.put("drainVsGruelbox", rounds.ratio(RELAY, GRUELBOX));
  }

  private void endToEnd(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    int messages = quick ? 500 : 20_000;
    RawOutbox raw = new RawOutbox(bed);
    String headers = headersOf(bed);
    Rounds rounds =
        new Rounds()
            .contender(
                "business row alone",
                () -> messages * 1e9 / raw.produce(messages, PRODUCERS, RawOutbox::businessOnly))
            .contender(
                COMMITS,
                () -> {
                  bed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
                  return messages
                      * 1e9
                      / raw.produce(
                          messages,
                          PRODUCERS,
                          (connection, n) -> RawOutbox.businessAndRow(connection, n, headers));
                })
            .contender(
                END_TO_END,
                () -> {
                  bed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
                  CountingSink sink = new CountingSink();
                  return bed.relaying(
                      bed.outbox,
                      sink,
                      () -> messages * 1e9 / publish(bed, bed.outbox, sink, messages));
                })
            // So many, since the compilers' time counts against the relay.
            .run(quick ? 0 : 8, quick ? 1 : 15);
    out.println("end to end:");
    rounds.print(out, "messages/s");
    figures.put("endToEndVsFloor", rounds.ratio(END_TO_END, COMMITS));
  }

  private static String headersOf(OutboxTestbed bed) throws Exception {
    bed.preload(1);
    try (Connection connection = bed.pool.getConnection();
        Statement statement = connection.createStatement();
        var row = statement.executeQuery("SELECT headers FROM " + OutboxTestbed.MESSAGES)) {
      row.next();
      return row.getString(1);
    }
  }

  /** Nanoseconds from the first transaction to the last message published. */
  private static long publish(OutboxTestbed bed, JdbcOutbox outbox, CountingSink sink, int messages)
      throws Exception {
    long start = System.nanoTime();
    new RawOutbox(bed)
        .produce(
            messages,
            PRODUCERS,
            (connection, n) -> {
              RawOutbox.business(connection, n);
              outbox.publish(
                  JdbcTransactions.join(connection, bed.database),
                  OutboxTestbed.TO,
                  OutboxTestbed.message(n));
              connection.commit();
              outbox.wake();
            });
    sink.await(messages);
    return System.nanoTime() - start;
  }

  private void latency(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    bed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
    OutboxLatency.measure(bed, quick ? 100 : 1_000);
    int rounds = quick ? 1 : 3;
    double[] medians = new double[rounds];
    double[] tails = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      double[] both = OutboxLatency.measure(bed, quick ? 200 : 2_500);
      medians[round] = both[0];
      tails[round] = both[1];
    }
    print(out, "latency p50 at 500/s", medians, "ms");
    print(out, "latency p99 at 500/s", tails, "ms");
    figures.put("latencyP50Millis", medians[rounds / 2]);
    figures.put("latencyP99Millis", tails[rounds / 2]);
  }

  private static void print(PrintStream out, String name, double[] values, String unit) {
    Arrays.sort(values);
    out.printf(
        Locale.ROOT,
        "  %-42s median %10.3f  min %10.3f  max %10.3f  %s%n",
        name,
        values[values.length / 2],
        values[0],
        values[values.length - 1],
        unit);
  }

  /** Statements are counted in one run and log bytes in another, so that neither disturbs. */
  private void load(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    int messages = quick ? 500 : 20_000;
    RawOutbox raw = new RawOutbox(bed);
    CountingDataSource counting = new CountingDataSource(bed.pool);
    JdbcDatabase database = JdbcDatabase.builder(counting.dataSource()).build();
    JdbcOutbox counted = OutboxTestbed.outbox(database);
    CountingSink sink = new CountingSink();
    long statements =
        bed.relaying(
            counted,
            sink,
            () -> {
              long before = counting.statements();
              publishCounted(bed, database, counted, sink, messages);
              bed.awaitAllDeleted();
              return counting.statements() - before;
            });
    figures.put("statementsPerMessage", statements / (double) messages - 1);
    bed.execute("VACUUM " + OutboxTestbed.MESSAGES);
    bed.execute("CHECKPOINT");
    long start = bed.logPosition();
    raw.produce(messages, PRODUCERS, RawOutbox::businessOnly);
    long business = bed.logPosition() - start;
    CountingSink second = new CountingSink();
    long all =
        bed.relaying(
            bed.outbox,
            second,
            () -> {
              bed.execute("CHECKPOINT");
              long first = bed.logPosition();
              publish(bed, bed.outbox, second, messages);
              bed.awaitAllDeleted();
              return bed.logPosition() - first;
            });
    double bytes = (all - business) / (double) messages;
    figures.put("logBytesPerMessage", bytes);
    out.printf(
        Locale.ROOT,
        "load: %.2f statements a message beyond the business insert, %.0f log bytes beyond the"
            + " business row's %.0f%n",
        figures.get("statementsPerMessage"),
        bytes,
        business / (double) messages);
  }

  /** As {@link #publish}, but the outbox's own inserts are counted too. */
  private static void publishCounted(
      OutboxTestbed bed, JdbcDatabase database, JdbcOutbox outbox, CountingSink sink, int messages)
      throws Exception {
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    new RawOutbox(bed)
        .produce(
            messages,
            PRODUCERS,
            (connection, n) -> {
              transactions.<Void, Exception>run(
                  tx -> {
                    RawOutbox.business(tx.unwrap(Connection.class), n);
                    outbox.publish(tx, OutboxTestbed.TO, OutboxTestbed.message(n));
                    return null;
                  });
            });
    sink.await(messages);
  }

  private void backlog(PostgresServer server, boolean quick, PrintStream out) throws Exception {
    int large = quick ? 20_000 : 1_000_000;
    String url = server.createDatabase("backlog");
    OutboxBacklog.Costs costs = OutboxBacklog.inChild(url, server.user(), server.password(), large);
    out.printf(
        Locale.ROOT,
        "backlog, 256 MiB: %.0f ns/row at 10,000, %.0f ns/row at %d; the floor's %.0f and %.0f%n",
        costs.small(),
        costs.large(),
        large,
        costs.floorSmall(),
        costs.floorLarge());
    figures.put("backlogGrowth", costs.large() / costs.small());
    figures.put("backlogGrowthOfFloor", costs.floorLarge() / costs.floorSmall());
  }

  private void oldSnapshot(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    int rows = quick ? 4_000 : 40_000;
    int dead = quick ? 10_000 : 100_000;
    CountingSink sink = new CountingSink();
    Rounds rounds =
        new Rounds()
            .contender(
                "vacuumed",
                () -> {
                  bed.preload(1);
                  bed.execute("VACUUM FULL " + OutboxTestbed.MESSAGES);
                  return underWay(bed, rows, sink);
                })
            .contender("old snapshot, " + dead + " dead rows", () -> held(bed, rows, dead, sink))
            .run(quick ? 0 : 1, quick ? 1 : 9);
    out.println("old snapshot:");
    rounds.print(out, "rows/s");
    figures.put(
        "oldSnapshotRatio", rounds.ratio("old snapshot, " + dead + " dead rows", "vacuumed"));
  }

  private static double held(OutboxTestbed bed, int rows, int dead, CountingSink sink)
      throws Exception {
    try (Connection snapshot = bed.pool.getConnection()) {
      snapshot.setAutoCommit(false);
      snapshot.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      try (Statement statement = snapshot.createStatement()) {
        statement.execute("SELECT count(*) FROM business");
        bed.preload(dead);
        bed.execute("DELETE FROM " + OutboxTestbed.MESSAGES);
        return underWay(bed, rows, sink);
      } finally {
        snapshot.rollback();
        snapshot.setAutoCommit(true);
      }
    }
  }

  /** Of a relay that runs: one that starts passes over all dead rows once. */
  private static double underWay(OutboxTestbed bed, int rows, CountingSink sink) throws Exception {
    return bed.relaying(
        bed.outbox,
        sink,
        () -> {
          for (int i = 0; i < 3; i++) {
            bed.drainNow(1, sink::messages);
          }
          return bed.drainNow(rows, sink::messages);
        });
  }

  private void brokers(OutboxTestbed bed, boolean quick, PrintStream out) throws Exception {
    int messages = quick ? 1_000 : 100_000;
    try (KafkaServer server = KafkaServer.start();
        KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(server.bootstrapServers()).build())) {
      broker(
          bed,
          new Broker(
              "toKafka",
              transport,
              messages,
              time -> OutboxBrokers.kafkaProducer(server.bootstrapServers(), messages, time),
              () -> {}),
          quick,
          out);
    }
    int fewer = quick ? 1_000 : 40_000;
    try (RabbitServer server = RabbitServer.start();
        RabbitTransport transport =
            RabbitTransport.create(RabbitTransportConfig.builder(server.uri()).build())) {
      broker(
          bed,
          new Broker(
              "toRabbit",
              transport,
              fewer,
              time -> OutboxBrokers.rabbitChannel(server.uri(), fewer, time),
              () -> OutboxBrokers.purgeRabbit(server.uri())),
          quick,
          out);
    }
  }

  /** Messages a second of the client alone. */
  private interface Bare {
    double run(ProcessorTime processor) throws Exception;
  }

  private interface Emptying {
    void run() throws Exception;
  }

  /**
   * A broker that takes so many messages a round.
   *
   * @param empty takes away what nobody consumes: where it gathers, the broker gets slower by and
   *     by
   */
  private record Broker(
      String name, MessageTransport transport, int messages, Bare bare, Emptying empty) {

    Callable<Double> emptied(Callable<Double> measure) {
      return () -> {
        empty.run();
        return measure.call();
      };
    }
  }

  private void broker(OutboxTestbed bed, Broker broker, boolean quick, PrintStream out)
      throws Exception {
    MessageTransport transport = broker.transport();
    int messages = broker.messages();
    String name = broker.name();
    OutboxBrokers.declare(transport);
    CountingSink sink = new CountingSink();
    ProcessorTime ofRelay = new ProcessorTime();
    ProcessorTime ofBare = new ProcessorTime();
    int counted = quick ? 1 : 7;
    Rounds rounds =
        new Rounds()
            .contender(ALONE, () -> bed.drain(messages, sink, ofRelay))
            .contender(BARE, broker.emptied(() -> broker.bare().run(ofBare)))
            .contender(
                TO_BROKER,
                broker.emptied(
                    () -> OutboxBrokers.relay(bed, transport, messages, OutboxTestbed.KEYS)))
            .contender(
                MANY_KEYS,
                broker.emptied(() -> OutboxBrokers.relay(bed, transport, messages, MANY)))
            .run(quick ? 0 : 4, counted);
    out.println(name + ":");
    rounds.print(out, "messages/s");
    String slower = rounds.median(ALONE) < rounds.median(BARE) ? ALONE : BARE;
    double both = ofRelay.nanosEach(counted) + ofBare.nanosEach(counted);
    double most = Runtime.getRuntime().availableProcessors() * 1e9 / both;
    out.printf(
        Locale.ROOT,
        "  processor time a message: relay alone %.1f us, bare client %.1f us; together at most"
            + " %.0f messages/s%n",
        ofRelay.nanosEach(counted) / 1e3,
        ofBare.nanosEach(counted) / 1e3,
        most);
    figures.put(name + "Ratio", rounds.ratio(TO_BROKER, slower));
    figures.put(name + "ManyKeysRatio", rounds.ratio(MANY_KEYS, slower));
    figures.put(name + "MostByProcessor", most / rounds.median(slower));
  }
}
