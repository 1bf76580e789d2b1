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
import io.commslib.kafka.Compression;
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

/** Outbox: the cost of a commit, the speed of the relay, and its load on the database. */
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
  private static final int MANY_KEY_COUNT = 10_000;
  private static final String SIDE_BY_SIDE = "relay to a sink beside bare client";
  private static final String END_TO_END = "commslib, business to published";

  private final Map<String, Double> figures = new LinkedHashMap<>();

  @Override
  public String workload() {
    return "PostgreSQL with fsync and synchronous_commit on, 2 GB of shared buffers: the largest"
        + " table fits in memory. Drain: 40,000 rows of 256 bytes over 1,000 keys and 16 shards go to a"
        + " publisher that only counts, until the table is empty; the floor is one thread of"
        + " plain JDBC that reads each shard in batches of 500, all columns, and deletes by id."
        + " End to end: 4 threads commit one business row and one message up to 20,000 times, for about a second; the"
        + " floor is the same in plain JDBC without a relay. Latency: from the end of the commit to"
        + " the publish, at 500 messages per second. Statements and log bytes: the end-to-end run, per"
        + " message, without the business insert. Backlog: cost per row at 1,000,000 divided by cost at"
        + " 10,000 rows, in a child JVM with 256 MiB, and the same for the raw loop. Old snapshot: drain with"
        + " an open snapshot and 100,000 dead rows divided by drain of a vacuumed table, by relays that"
        + " have published before, since a relay's first read scans the dead rows. Brokers: relay"
        + " to Kafka (100,000 rows, once without compression and once with lz4) and RabbitMQ (20,000, its queue emptied before each round)"
        + " divided by the slower of relay alone and bare client. Neither broker fences keys, so one message"
        + " of a key is in flight at a time. Also printed: the rate with 10,000 keys, and the highest"
        + " rate that the processors allow, which is their number divided by the processor time per message of"
        + " relay alone and bare client together, servers included, and the rate of the two when they"
        + " run side by side and have nothing to do with each other. Bodies for the brokers are 256"
        + " bytes, of which one half differs in each message.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    out.println("peers: " + OutboxPeers.versions());
    try (PostgresServer server = PostgresServer.start(OutboxTestbed.serverSettings());
        OutboxTestbed testbed =
            new OutboxTestbed(server.jdbcUrl(), server.user(), server.password())) {
      timed(out, () -> drain(testbed, quick, out));
      timed(out, () -> endToEnd(testbed, quick, out));
      timed(out, () -> latency(testbed, quick, out));
      timed(out, () -> load(testbed, quick, out));
      timed(out, () -> backlog(server, quick, out));
      timed(out, () -> oldSnapshot(testbed, quick, out));
      brokers(testbed, quick, out);
    }
    return figures;
  }

  private interface Part {
    void run() throws Exception;
  }

  /** Prints how long a part takes: the whole run must end within 8 minutes. */
  private static void timed(PrintStream out, Part part) throws Exception {
    long start = System.nanoTime();
    part.run();
    out.printf(Locale.ROOT, "  (%d s)%n", (System.nanoTime() - start) / 1_000_000_000);
  }

  private void drain(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    int rows = quick ? 4_000 : 40_000;
    int peerRows = quick ? 500 : 6_000;
    RawOutbox raw = new RawOutbox(testbed);
    OutboxPeers peers = new OutboxPeers(testbed);
    CountingSink sink = new CountingSink();
    Rounds rounds =
        new Rounds()
            .contender(FLOOR, () -> raw.drain(rows))
            .contender(RELAY, () -> testbed.drain(rows, sink))
            .contender(GRUELBOX, () -> peers.gruelbox(peerRows))
            .contender(DB_SCHEDULER, () -> peers.dbScheduler(peerRows))
            .run(quick ? 0 : 3, quick ? 1 : 5);
    out.println("drain:");
    rounds.print(out, "rows/s");
    figures.put("drainVsFloor", rounds.ratio(RELAY, FLOOR));
    figures.put("drainVsGruelbox", rounds.ratio(RELAY, GRUELBOX));
  }

  /** As many messages as a round of about a second has, whatever the disk needs for a commit. */
  private static int committedMessages(RawOutbox raw, boolean quick) throws Exception {
    if (quick) {
      return 500;
    }
    int some = 1_000;
    raw.produce(some, PRODUCERS, RawOutbox::commitBusiness);
    double perSecond = some * 1e9 / raw.produce(some, PRODUCERS, RawOutbox::commitBusiness);
    return (int) Math.max(2_000, Math.min(20_000, perSecond));
  }

  private void endToEnd(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    RawOutbox raw = new RawOutbox(testbed);
    int messages = committedMessages(raw, quick);
    String headers = headersOf(testbed);
    Rounds rounds =
        new Rounds()
            .contender(
                "business row alone",
                () -> messages * 1e9 / raw.produce(messages, PRODUCERS, RawOutbox::commitBusiness))
            .contender(
                COMMITS,
                () -> {
                  testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
                  return messages
                      * 1e9
                      / raw.produce(
                          messages,
                          PRODUCERS,
                          (connection, n) ->
                              RawOutbox.commitBusinessAndRow(connection, n, headers));
                })
            .contender(
                END_TO_END,
                () -> {
                  testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
                  CountingSink sink = new CountingSink();
                  return testbed.withRelay(
                      testbed.outbox,
                      sink,
                      () -> messages * 1e9 / publish(testbed, testbed.outbox, sink, messages));
                })
            // Many warm-ups, since the time of JIT compilation counts against the relay.
            .run(quick ? 0 : 5, quick ? 1 : 11);
    out.println("end to end:");
    rounds.print(out, "messages/s");
    figures.put("endToEndVsFloor", rounds.ratio(END_TO_END, COMMITS));
  }

  private static String headersOf(OutboxTestbed testbed) throws Exception {
    testbed.preload(1);
    try (Connection connection = testbed.pool.getConnection();
        Statement statement = connection.createStatement();
        var row = statement.executeQuery("SELECT headers FROM " + OutboxTestbed.MESSAGES)) {
      row.next();
      return row.getString(1);
    }
  }

  /** Returns the nanoseconds from the first transaction to the last published message. */
  private static long publish(
      OutboxTestbed testbed, JdbcOutbox outbox, CountingSink sink, int messages) throws Exception {
    long start = System.nanoTime();
    new RawOutbox(testbed)
        .produce(
            messages,
            PRODUCERS,
            (connection, n) -> {
              RawOutbox.insertBusiness(connection, n);
              outbox.publish(
                  JdbcTransactions.join(connection, testbed.database),
                  OutboxTestbed.DESTINATION,
                  OutboxTestbed.message(n));
              connection.commit();
              outbox.wake();
            });
    sink.await(messages);
    return System.nanoTime() - start;
  }

  private void latency(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
    OutboxLatency.measure(testbed, quick ? 100 : 1_000);
    int rounds = quick ? 1 : 3;
    double[] medians = new double[rounds];
    double[] tails = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      double[] both = OutboxLatency.measure(testbed, quick ? 200 : 2_500);
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

  /**
   * Counts statements in one run and log bytes in another, so that they don't disturb each other.
   */
  private void load(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    RawOutbox raw = new RawOutbox(testbed);
    int messages = committedMessages(raw, quick);
    CountingDataSource counting = new CountingDataSource(testbed.pool);
    JdbcDatabase database = JdbcDatabase.builder(counting.dataSource()).build();
    JdbcOutbox counted = OutboxTestbed.outbox(database);
    CountingSink sink = new CountingSink();
    long statements =
        testbed.withRelay(
            counted,
            sink,
            () -> {
              long before = counting.statements();
              publishCounted(testbed, database, counted, sink, messages);
              testbed.awaitAllDeleted();
              return counting.statements() - before;
            });
    figures.put("statementsPerMessage", statements / (double) messages - 1);
    testbed.execute("VACUUM " + OutboxTestbed.MESSAGES);
    testbed.execute("CHECKPOINT");
    long start = testbed.logPosition();
    raw.produce(messages, PRODUCERS, RawOutbox::commitBusiness);
    long business = testbed.logPosition() - start;
    CountingSink second = new CountingSink();
    long all =
        testbed.withRelay(
            testbed.outbox,
            second,
            () -> {
              testbed.execute("CHECKPOINT");
              long first = testbed.logPosition();
              publish(testbed, testbed.outbox, second, messages);
              testbed.awaitAllDeleted();
              return testbed.logPosition() - first;
            });
    double bytes = (all - business) / (double) messages;
    figures.put("logBytesPerMessage", bytes);
    out.printf(
        Locale.ROOT,
        "load: %.2f statements per message beyond the business insert, %.0f log bytes beyond the"
            + " business row's %.0f%n",
        figures.get("statementsPerMessage"),
        bytes,
        business / (double) messages);
  }

  /** As {@link #publish}, but the outbox's own inserts are counted too. */
  private static void publishCounted(
      OutboxTestbed testbed,
      JdbcDatabase database,
      JdbcOutbox outbox,
      CountingSink sink,
      int messages)
      throws Exception {
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    new RawOutbox(testbed)
        .produce(
            messages,
            PRODUCERS,
            (connection, n) -> {
              transactions.<Void, Exception>run(
                  tx -> {
                    RawOutbox.insertBusiness(tx.unwrap(Connection.class), n);
                    outbox.publish(tx, OutboxTestbed.DESTINATION, OutboxTestbed.message(n));
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

  private void oldSnapshot(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    int rows = quick ? 4_000 : 40_000;
    int dead = quick ? 10_000 : 100_000;
    CountingSink sink = new CountingSink();
    Rounds rounds =
        new Rounds()
            .contender(
                "vacuumed",
                () -> {
                  testbed.preload(1);
                  testbed.execute("VACUUM FULL " + OutboxTestbed.MESSAGES);
                  return drainWarm(testbed, rows, sink);
                })
            .contender(
                "old snapshot, " + dead + " dead rows",
                () -> drainWithOldSnapshot(testbed, rows, dead, sink))
            .run(quick ? 0 : 1, quick ? 1 : 7);
    out.println("old snapshot:");
    rounds.print(out, "rows/s");
    figures.put(
        "oldSnapshotRatio", rounds.ratio("old snapshot, " + dead + " dead rows", "vacuumed"));
  }

  private static double drainWithOldSnapshot(
      OutboxTestbed testbed, int rows, int dead, CountingSink sink) throws Exception {
    try (Connection snapshot = testbed.pool.getConnection()) {
      snapshot.setAutoCommit(false);
      snapshot.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      try (Statement statement = snapshot.createStatement()) {
        statement.execute("SELECT count(*) FROM business");
        testbed.preload(dead);
        testbed.execute("DELETE FROM " + OutboxTestbed.MESSAGES);
        return drainWarm(testbed, rows, sink);
      } finally {
        snapshot.rollback();
        snapshot.setAutoCommit(true);
      }
    }
  }

  /** Measures a relay that has published before; a new relay's first read scans all dead rows. */
  private static double drainWarm(OutboxTestbed testbed, int rows, CountingSink sink)
      throws Exception {
    return testbed.withRelay(
        testbed.outbox,
        sink,
        () -> {
          for (int i = 0; i < 3; i++) {
            testbed.addAndDrain(1, sink::messages);
          }
          return testbed.addAndDrain(rows, sink::messages);
        });
  }

  private void brokers(OutboxTestbed testbed, boolean quick, PrintStream out) throws Exception {
    int messages = quick ? 1_000 : 100_000;
    timed(out, () -> kafka("toKafka", Compression.NONE, testbed, messages, 16, quick, out));
    timed(out, () -> kafka("toKafkaLz4", Compression.LZ4, testbed, messages, 2, quick, out));
    int fewer = quick ? 1_000 : 20_000;
    timed(out, () -> rabbit(testbed, fewer, quick, out));
  }

  private void rabbit(OutboxTestbed testbed, int messages, boolean quick, PrintStream out)
      throws Exception {
    try (RabbitServer server = RabbitServer.start();
        RabbitTransport transport =
            RabbitTransport.create(RabbitTransportConfig.builder(server.uri()).build())) {
      broker(
          testbed,
          new Broker(
              "toRabbit",
              transport,
              messages,
              4,
              (ready, time) -> OutboxBrokers.rabbitChannel(server.uri(), messages, ready, time),
              () -> OutboxBrokers.purgeRabbit(server.uri())),
          quick,
          out);
    }
  }

  /** The bare producer has the same compression as the transport. */
  private void kafka(
      String name,
      Compression compression,
      OutboxTestbed testbed,
      int messages,
      int warmUps,
      boolean quick,
      PrintStream out)
      throws Exception {
    String clientName = compression.name().toLowerCase(Locale.ROOT);
    try (KafkaServer server = KafkaServer.start();
        KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(server.bootstrapServers())
                    .compression(compression)
                    .build())) {
      broker(
          testbed,
          new Broker(
              name,
              transport,
              messages,
              warmUps,
              (ready, time) ->
                  OutboxBrokers.kafkaProducer(
                      server.bootstrapServers(), clientName, messages, ready, time),
              () -> {}),
          quick,
          out);
    }
  }

  private interface Cleanup {
    void run() throws Exception;
  }

  /**
   * A broker under measurement.
   *
   * @param warmUps the number of rounds of the relay before the others, for the JIT compiler
   * @param cleanup deletes the messages of earlier rounds, which have no consumer and gradually
   *     slow the broker down
   */
  private record Broker(
      String name,
      MessageTransport transport,
      int messages,
      int warmUps,
      OutboxBrokers.BareClient bareClient,
      Cleanup cleanup) {

    Callable<Double> withCleanup(Callable<Double> measure) {
      return () -> {
        cleanup.run();
        return measure.call();
      };
    }
  }

  private void broker(OutboxTestbed testbed, Broker broker, boolean quick, PrintStream out)
      throws Exception {
    MessageTransport transport = broker.transport();
    int messages = broker.messages();
    String name = broker.name();
    OutboxBrokers.declare(transport);
    CountingSink sink = new CountingSink();
    ProcessorTime ofRelay = new ProcessorTime();
    ProcessorTime ofBare = new ProcessorTime();
    ProcessorTime ofBoth = new ProcessorTime();
    ProcessorTime ofSideBySide = new ProcessorTime();
    ProcessorTime ofManyKeys = new ProcessorTime();
    int counted = quick ? 1 : 5;
    for (int i = 0; !quick && i < broker.warmUps(); i++) {
      OutboxBrokers.relay(testbed, transport, messages, OutboxTestbed.KEYS, new ProcessorTime());
      broker.cleanup().run();
    }
    Rounds rounds =
        new Rounds()
            .contender(ALONE, () -> testbed.drain(messages, sink, ofRelay))
            .contender(BARE, broker.withCleanup(() -> broker.bareClient().run(() -> {}, ofBare)))
            .contender(
                SIDE_BY_SIDE,
                broker.withCleanup(
                    () ->
                        OutboxBrokers.sideBySide(
                            testbed, broker.bareClient(), messages, ofSideBySide)))
            .contender(
                TO_BROKER,
                broker.withCleanup(
                    () ->
                        OutboxBrokers.relay(
                            testbed, transport, messages, OutboxTestbed.KEYS, ofBoth)))
            .contender(
                MANY_KEYS,
                broker.withCleanup(
                    () ->
                        OutboxBrokers.relay(
                            testbed, transport, messages, MANY_KEY_COUNT, ofManyKeys)))
            .run(quick ? 0 : 1, counted);
    out.println(name + ":");
    rounds.print(out, "messages/s");
    rounds.printRatio(out, TO_BROKER, SIDE_BY_SIDE);
    rounds.printRatio(out, MANY_KEYS, SIDE_BY_SIDE);
    String slower = rounds.median(ALONE) < rounds.median(BARE) ? ALONE : BARE;
    out.println("  processor time:");
    print(ALONE, ofRelay, counted, out);
    print(BARE, ofBare, counted, out);
    print(SIDE_BY_SIDE, ofSideBySide, counted, out);
    print(TO_BROKER, ofBoth, counted, out);
    print(MANY_KEYS, ofManyKeys, counted, out);
    double most =
        Runtime.getRuntime().availableProcessors()
            * 1e9
            / (ofRelay.nanosPerItem(counted) + ofBare.nanosPerItem(counted));
    out.printf(
        Locale.ROOT, "  relay alone and bare client together at most %.0f messages/s%n", most);
    figures.put(name + "Ratio", rounds.ratio(TO_BROKER, slower));
    figures.put(name + "ManyKeysRatio", rounds.ratio(MANY_KEYS, slower));
    figures.put(name + "VsSideBySide", rounds.ratio(TO_BROKER, SIDE_BY_SIDE));
    figures.put(name + "ManyKeysVsSideBySide", rounds.ratio(MANY_KEYS, SIDE_BY_SIDE));
    figures.put(name + "MostByProcessor", most / rounds.median(slower));
  }

  private static void print(String name, ProcessorTime time, int counted, PrintStream out) {
    out.printf(
        Locale.ROOT,
        "    %-39s %.1f us a message, %.2f processors in use%n",
        name,
        time.nanosPerItem(counted) / 1e3,
        time.processors(counted));
  }
}
