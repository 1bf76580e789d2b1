package io.commslib.benchmarks.idempotency;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.benchmarks.outbox.OutboxTestbed;
import io.commslib.benchmarks.outbox.RawOutbox;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionContext;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.servers.PostgresServer;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Idempotency: the cost of checking whether something was done already. */
public final class IdempotencyBenchmark implements Benchmark {

  private static final int THREADS = 8;
  private static final int BATCH_THREADS = 2;
  private static final int BATCH = 100;

  /** Many rounds, since the time of JIT compilation counts against the contender with more code. */
  private static final int WARM_UPS = 7;

  private static final int COUNTED = 11;

  private static final String CONSUMER = "queue:orders/main";
  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final String NO_CHECK = "no check";
  private static final String INBOX = "inbox";
  private static final String ROUND_TRIP = "an empty statement instead (lower bound)";
  private static final String COMMITS = "two commits, an empty statement (lower bound)";
  private static final String LEASED = "claim, then work and result in one commit";
  private static final byte[] NO_BODY = {};

  /** One transaction, or its replacement, with the work for one item. */
  private interface Step {
    void run(int number) throws Exception;
  }

  private final Map<String, Double> figures = new LinkedHashMap<>();
  private final AtomicInteger rounds = new AtomicInteger();

  @Override
  public String workload() {
    return "PostgreSQL with fsync and synchronous_commit on, 2 GB of shared buffers; a handler inserts"
        + " one business row. Single: one message per transaction, on 8 threads and on 1. Batch: 100 messages"
        + " per transaction, on 2 threads, with one query for all of them. No check: the same transactions"
        + " without the inbox. Lease, 8 threads: the key is claimed in a separate commit, then business"
        + " row and result commit together. Also printed: the result in a third commit, and the mode"
        + " that does all in one transaction. Keys are random UUIDs, as clients send them. All ids are new:"
        + " that is the expensive case. Lower bound: the same round trips and commits, with statements that"
        + " do nothing or insert a number without an index.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    try (PostgresServer server = PostgresServer.start(OutboxTestbed.serverSettings());
        HikariDataSource pool = pool(server)) {
      JdbcDatabase database = JdbcDatabase.builder(pool).build();
      InboxSchema.scripts().apply(database);
      execute(
          pool,
          "CREATE TABLE business (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
              + " customer text NOT NULL, amount bigint NOT NULL, note text)");
      execute(pool, "CREATE TABLE plain (id integer NOT NULL)");
      Bench bench = new Bench(pool, JdbcTransactionRunner.create(database));
      JdbcInbox inbox = JdbcInbox.create(database, InboxConfig.builder().build());
      single(bench, inbox, THREADS, quick, out, "inboxSingleRatio");
      single(bench, inbox, 1, quick, out, "inboxOneThreadRatio");
      batch(bench, inbox, quick, out);
      lease(
          bench,
          JdbcIdempotencyStore.create(database, IdempotencyConfig.builder().build()),
          quick,
          out);
    }
    return figures;
  }

  private record Bench(HikariDataSource pool, JdbcTransactionRunner transactions) {}

  private void single(
      Bench bench, JdbcInbox inbox, int threads, boolean quick, PrintStream out, String figure)
      throws Exception {
    int messages = (quick ? 200 : 2_000) * (threads == 1 ? 1 : 6);
    Rounds turns =
        new Rounds()
            .contender(
                NO_CHECK, each(bench, messages, threads, (tx, message, n) -> business(tx, n)))
            .contender(
                ROUND_TRIP,
                each(
                    bench,
                    messages,
                    threads,
                    (tx, message, n) -> {
                      emptyQuery(tx);
                      business(tx, n);
                    }))
            .contender(
                INBOX,
                each(
                    bench,
                    messages,
                    threads,
                    (tx, message, n) -> {
                      requireTrue(inbox.enter(tx, CONSUMER, message));
                      business(tx, n);
                    }))
            .run(quick ? 0 : WARM_UPS, quick ? 1 : COUNTED);
    out.println("one message per transaction, " + threads + " threads:");
    turns.print(out, "messages/s");
    figures.put(figure, turns.ratio(INBOX, NO_CHECK));
    figures.put(figure + "OfLeast", turns.ratio(INBOX, ROUND_TRIP));
  }

  /** The work of a transaction for a message. */
  private interface MessageWork {
    void run(TransactionContext tx, Message message, int number) throws SQLException;
  }

  /**
   * Measures messages per second, each with a transaction of its own. All contenders get the same
   * messages, in the form in which a transport delivers them.
   */
  private Callable<Double> each(Bench bench, int messages, int threads, MessageWork work) {
    return () -> {
      List<Message> received = received(messages);
      return rate(
          bench, messages, threads, n -> handle(bench, tx -> work.run(tx, received.get(n), n)));
    };
  }

  private void batch(Bench bench, JdbcInbox inbox, boolean quick, PrintStream out)
      throws Exception {
    int batches = quick ? 20 : 400;
    Rounds turns =
        new Rounds()
            .contender(NO_CHECK, batches(bench, batches, (tx, messages) -> {}))
            .contender(
                INBOX,
                batches(
                    bench,
                    batches,
                    (tx, messages) -> {
                      for (boolean each : inbox.enterAll(tx, CONSUMER, messages)) {
                        requireTrue(each);
                      }
                    }))
            .run(quick ? 0 : WARM_UPS, quick ? 1 : COUNTED);
    out.println(BATCH + " messages per transaction, " + BATCH_THREADS + " threads:");
    turns.print(out, "messages/s");
    figures.put("inboxBatchRatio", turns.ratio(INBOX, NO_CHECK));
  }

  /** The query of a transaction before the work for a batch of messages. */
  private interface BatchQuestion {
    void ask(TransactionContext tx, List<Message> messages) throws SQLException;
  }

  private Callable<Double> batches(Bench bench, int batches, BatchQuestion question) {
    return () -> {
      List<Message> received = received(batches * BATCH);
      return BATCH
          * rate(
              bench,
              batches,
              BATCH_THREADS,
              n ->
                  handle(
                      bench,
                      tx -> {
                        question.ask(tx, received.subList(n * BATCH, (n + 1) * BATCH));
                        businessBatch(tx, n);
                      }));
    };
  }

  private void lease(Bench bench, JdbcIdempotencyStore store, boolean quick, PrintStream out)
      throws Exception {
    int requests = quick ? 1_200 : 12_000;
    Rounds turns =
        new Rounds()
            .contender(
                NO_CHECK,
                requests(bench, requests, (key, n) -> handle(bench, tx -> business(tx, n))))
            .contender(
                COMMITS,
                requests(
                    bench,
                    requests,
                    (key, n) -> {
                      plainRow(bench, n);
                      handle(
                          bench,
                          tx -> {
                            business(tx, n);
                            emptyQuery(tx);
                          });
                    }))
            .contender(
                LEASED,
                requests(
                    bench,
                    requests,
                    (key, n) -> {
                      Claim claim = granted(store.claim(key, LEASE));
                      handle(
                          bench,
                          tx -> {
                            business(tx, n);
                            requireTrue(store.complete(tx, key, claim.token(), result()));
                          });
                    }))
            .contender(
                "claim, work, result: three commits",
                requests(
                    bench,
                    requests,
                    (key, n) -> {
                      Claim claim = granted(store.claim(key, LEASE));
                      handle(bench, tx -> business(tx, n));
                      requireTrue(store.complete(key, claim.token(), result()));
                    }))
            .contender(
                "all in one transaction",
                requests(
                    bench,
                    requests,
                    (key, n) ->
                        handle(
                            bench,
                            tx -> {
                              Claim claim = granted(store.claim(tx, key));
                              business(tx, n);
                              requireTrue(store.complete(tx, key, claim.token(), result()));
                            })))
            .run(quick ? 0 : WARM_UPS, quick ? 1 : COUNTED);
    out.println("requests with results, " + THREADS + " threads:");
    turns.print(out, "requests/s");
    figures.put("leaseRatio", turns.ratio(LEASED, NO_CHECK));
    figures.put("leaseRatioOfLeast", turns.ratio(LEASED, COMMITS));
    figures.put("transactionRatio", turns.ratio("all in one transaction", NO_CHECK));
  }

  private interface RequestStep {
    void run(RequestKey key, int number) throws Exception;
  }

  private Callable<Double> requests(Bench bench, int requests, RequestStep step) {
    return () -> {
      List<RequestKey> keys =
          IntStream.range(0, requests)
              .mapToObj(n -> UUID.randomUUID().toString())
              .map(key -> new RequestKey("customers/place-order", key, "fingerprint of " + key))
              .toList();
      return rate(bench, requests, THREADS, n -> step.run(keys.get(n), n));
    };
  }

  private static Claim granted(Claim claim) {
    requireTrue(claim.kind() == Claim.Kind.GRANTED);
    return claim;
  }

  private static StoredResult result() {
    return new StoredResult(201, "application/json", NO_BODY, Map.of());
  }

  private interface Work {
    void run(TransactionContext tx) throws SQLException;
  }

  private static void handle(Bench bench, Work work) throws SQLException {
    bench
        .transactions()
        .<Void, SQLException>run(
            tx -> {
              work.run(tx);
              return null;
            });
  }

  private static void business(TransactionContext tx, int number) throws SQLException {
    RawOutbox.insertBusiness(tx.unwrap(Connection.class), number);
  }

  /** The minimum cost of any query in the transaction. */
  private static void emptyQuery(TransactionContext tx) throws SQLException {
    try (PreparedStatement select = tx.unwrap(Connection.class).prepareStatement("SELECT 1");
        ResultSet row = select.executeQuery()) {
      row.next();
    }
  }

  /** The minimum cost of any claim in a separate commit. */
  private static void plainRow(Bench bench, int number) throws SQLException {
    try (Connection connection = bench.pool().getConnection();
        PreparedStatement insert = connection.prepareStatement("INSERT INTO plain VALUES (?)")) {
      insert.setInt(1, number);
      insert.executeUpdate();
    }
  }

  private static void businessBatch(TransactionContext tx, int batch) throws SQLException {
    for (int i = 0; i < BATCH; i++) {
      business(tx, batch * BATCH + i);
    }
  }

  private static void requireTrue(boolean fresh) {
    if (!fresh) {
      throw new IllegalStateException("a new id counts as used");
    }
  }

  /** Creates messages in the form in which a transport delivers them. */
  private List<Message> received(int messages) {
    int round = rounds.incrementAndGet();
    return IntStream.range(0, messages).mapToObj(n -> message(round, n)).toList();
  }

  private static Message message(int round, int number) {
    return Message.builder("bench.placed").id(id(round, number)).sharedBody(NO_BODY).build();
  }

  private static String id(int round, int number) {
    return "order-%04d-%011d".formatted(round, number);
  }

  /**
   * Returns steps per second; empties the tables before, and checks the number of business rows
   * after.
   */
  private static double rate(Bench bench, int steps, int threads, Step step) throws Exception {
    execute(bench.pool(), "TRUNCATE business");
    execute(bench.pool(), "TRUNCATE plain");
    execute(bench.pool(), "TRUNCATE \"inbox\"");
    execute(bench.pool(), "TRUNCATE \"idempotency\"");
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    double rate;
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        int first = thread;
        tasks.add(
            () -> {
              for (int n = first; n < steps; n += threads) {
                step.run(n);
              }
              return null;
            });
      }
      long start = System.nanoTime();
      for (Future<Void> future : workers.invokeAll(tasks)) {
        future.get();
      }
      rate = steps * 1e9 / (System.nanoTime() - start);
    } finally {
      workers.shutdown();
    }
    long rows = count(bench.pool(), "business");
    if (rows != steps && rows != (long) steps * BATCH) {
      throw new IllegalStateException("business rows: " + rows + " (expected: " + steps + ")");
    }
    return rate;
  }

  private static long count(HikariDataSource pool, String table) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM " + table)) {
      row.next();
      return row.getLong(1);
    }
  }

  private static void execute(HikariDataSource pool, String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static HikariDataSource pool(PostgresServer server) {
    HikariConfig settings = new HikariConfig();
    settings.setJdbcUrl(server.jdbcUrl());
    settings.setUsername(server.user());
    settings.setPassword(server.password());
    settings.setMaximumPoolSize(THREADS + 2);
    return new HikariDataSource(settings);
  }
}
