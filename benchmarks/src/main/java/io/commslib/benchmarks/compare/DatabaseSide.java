package io.commslib.benchmarks.compare;

import io.commslib.benchmarks.measure.CountingSink;
import io.commslib.benchmarks.measure.LineProcess;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.outbox.OutboxTestbed;
import io.commslib.benchmarks.outbox.RawOutbox;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.messaging.Message;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/**
 * The scenarios on PostgreSQL; {@link #main} runs them in a JVM with the class path of one state.
 */
final class DatabaseSide implements AutoCloseable {

  private static final String COST = "cost ";
  private static final String CONSUMER = "queue:orders/main";
  private static final int PRODUCERS = 4;
  private static final int THREADS = 8;
  private static final int BATCH_THREADS = 2;
  private static final int BATCH = 100;
  private static final Duration LEASE = Duration.ofSeconds(30);

  private final OutboxTestbed testbed;
  private final JdbcTransactionRunner transactions;
  private final RawOutbox raw;
  private final JdbcInbox inbox;
  private final JdbcIdempotencyStore requests;
  private int rounds;

  private DatabaseSide(String url, String user, String password) {
    this.testbed = new OutboxTestbed(url, user, password);
    InboxSchema.scripts().apply(testbed.database);
    this.transactions = JdbcTransactionRunner.create(testbed.database);
    this.raw = new RawOutbox(testbed);
    this.inbox = JdbcInbox.create(testbed.database, InboxConfig.builder().build());
    this.requests =
        JdbcIdempotencyStore.create(testbed.database, IdempotencyConfig.builder().build());
  }

  /** Starts a JVM on a class path. */
  static Side start(String classPath, String url, String user, String password) throws IOException {
    LineProcess process =
        LineProcess.start(
            Path.of(System.getProperty("java.home")),
            List.of(
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                classPath,
                mainClass(classPath),
                url,
                user,
                password));
    return new Side() {

      @Override
      public Cost round(Scenario scenario) throws IOException {
        String[] words = process.request(scenario.name(), COST).split(" ");
        return new Cost(Double.parseDouble(words[0]), Double.parseDouble(words[1]), 0);
      }

      @Override
      public void close() throws IOException {
        process.close();
      }
    };
  }

  public static void main(String[] arguments) throws Exception {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (DatabaseSide side = new DatabaseSide(arguments[0], arguments[1], arguments[2])) {
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        Side.Cost cost = side.round(Scenario.valueOf(line.strip()));
        System.out.printf(Locale.ROOT, COST + "%f %f%n", cost.perSecond(), cost.processorNanos());
      }
    }
    System.exit(0);
  }

  private Side.Cost round(Scenario scenario) throws Exception {
    rounds++;
    System.gc();
    int items = scenario.items();
    return switch (scenario) {
      case DRAIN -> drain(items);
      case END_TO_END -> endToEnd(items);
      case INBOX -> inbox(items);
      case BATCH -> batch(items);
      case LEASE -> lease(items);
      case PUBLISH, CONSUME -> throw new IllegalArgumentException("on Kafka: " + scenario);
    };
  }

  private interface Work {
    void run() throws Exception;
  }

  private static Side.Cost measure(int items, Work work) throws Exception {
    ProcessorTime processor = new ProcessorTime();
    long start = System.nanoTime();
    processor.begin();
    work.run();
    processor.end(items);
    double perSecond = items * 1e9 / (System.nanoTime() - start);
    return new Side.Cost(perSecond, processor.nanosPerItem(1), 0);
  }

  private Side.Cost drain(int rows) throws Exception {
    CountingSink sink = new CountingSink();
    return testbed.withRelay(
        testbed.outbox,
        sink,
        () -> {
          testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
          ProcessorTime processor = new ProcessorTime();
          double perSecond =
              testbed.addAndDrain(rows, OutboxTestbed.KEYS, sink::messages, processor);
          return new Side.Cost(perSecond, processor.nanosPerItem(1), 0);
        });
  }

  private Side.Cost endToEnd(int messages) throws Exception {
    testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
    CountingSink sink = new CountingSink();
    return testbed.withRelay(
        testbed.outbox,
        sink,
        () ->
            measure(
                messages,
                () -> {
                  raw.produce(
                      messages,
                      PRODUCERS,
                      (connection, n) -> {
                        RawOutbox.insertBusiness(connection, n);
                        testbed.outbox.publish(
                            JdbcTransactions.join(connection, testbed.database),
                            OutboxTestbed.DESTINATION,
                            OutboxTestbed.message(n));
                        connection.commit();
                        testbed.outbox.wake();
                      });
                  sink.await(messages);
                }));
  }

  private Side.Cost inbox(int messages) throws Exception {
    List<Message> received = received(messages);
    return steps(
        messages,
        messages,
        THREADS,
        n ->
            transactions.<Void, Exception>run(
                tx -> {
                  requireTrue(inbox.enter(tx, CONSUMER, received.get(n)));
                  RawOutbox.insertBusiness(tx.unwrap(Connection.class), n);
                  return null;
                }));
  }

  private Side.Cost batch(int messages) throws Exception {
    List<Message> received = received(messages);
    return steps(
        messages / BATCH,
        messages,
        BATCH_THREADS,
        n ->
            transactions.<Void, Exception>run(
                tx -> {
                  for (boolean fresh :
                      inbox.enterAll(tx, CONSUMER, received.subList(n * BATCH, (n + 1) * BATCH))) {
                    requireTrue(fresh);
                  }
                  for (int i = 0; i < BATCH; i++) {
                    RawOutbox.insertBusiness(tx.unwrap(Connection.class), n * BATCH + i);
                  }
                  return null;
                }));
  }

  private Side.Cost lease(int items) throws Exception {
    List<RequestKey> keys =
        IntStream.range(0, items)
            .mapToObj(n -> UUID.randomUUID().toString())
            .map(key -> new RequestKey("customers/place-order", key, "fingerprint of " + key))
            .toList();
    return steps(
        items,
        items,
        THREADS,
        n -> {
          Claim claim = requests.claim(keys.get(n), LEASE);
          transactions.<Void, Exception>run(
              tx -> {
                RawOutbox.insertBusiness(tx.unwrap(Connection.class), n);
                StoredResult result =
                    new StoredResult(201, "application/json", new byte[0], Map.of());
                requireTrue(requests.complete(tx, keys.get(n), claim.token(), result));
                return null;
              });
        });
  }

  private interface Step {
    void run(int number) throws Exception;
  }

  private Side.Cost steps(int steps, int items, int threads, Step step) throws Exception {
    for (String table : List.of("business", "\"inbox\"", "\"idempotency\"")) {
      testbed.execute("TRUNCATE " + table);
    }
    return measure(items, () -> raw.produce(steps, threads, (unused, number) -> step.run(number)));
  }

  private List<Message> received(int messages) {
    return IntStream.range(0, messages)
        .mapToObj(n -> "order-%04d-%011d".formatted(rounds, n))
        .map(id -> Message.builder("bench.placed").id(id).sharedBody(new byte[0]).build())
        .toList();
  }

  private static void requireTrue(boolean fresh) {
    if (!fresh) {
      throw new IllegalStateException("a new id counts as used");
    }
  }

  @Override
  public void close() {
    testbed.close();
  }

  /** Finds this class in the folders of a class path; old revisions have it one package higher. */
  private static String mainClass(String classPath) {
    for (String folder : classPath.split(File.pathSeparator)) {
      if (Files.exists(Path.of(folder, "io/commslib/benchmarks/DatabaseSide.class"))) {
        return "io.commslib.benchmarks.DatabaseSide";
      }
    }
    return DatabaseSide.class.getName();
  }
}
