package io.commslib.benchmarks.outbox;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.logging.LogLevel;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.gruelbox.transactionoutbox.Dialect;
import com.gruelbox.transactionoutbox.Instantiator;
import com.gruelbox.transactionoutbox.Persistor;
import com.gruelbox.transactionoutbox.Submitter;
import com.gruelbox.transactionoutbox.TransactionManager;
import com.gruelbox.transactionoutbox.TransactionOutbox;
import io.commslib.benchmarks.measure.CountingSink;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Other outbox libraries, each with the settings that were measured best for it. */
final class OutboxPeers {

  /** The target that gruelbox calls for each message. */
  public static class Sink {
    private final CountingSink counter;

    Sink(CountingSink counter) {
      this.counter = counter;
    }

    /** Counts one message. */
    public void take(String key, String body) {
      if (!key.isEmpty() && !body.isEmpty()) {
        counter.count();
      }
    }
  }

  private static final String BODY = "x".repeat(256);
  private final OutboxTestbed testbed;

  OutboxPeers(OutboxTestbed testbed) {
    this.testbed = testbed;
    testbed.execute(
        "CREATE TABLE IF NOT EXISTS scheduled_tasks (task_name text NOT NULL, task_instance text"
            + " NOT NULL, task_data bytea, execution_time timestamptz NOT NULL, picked boolean NOT"
            + " NULL, picked_by text, last_success timestamptz, last_failure timestamptz,"
            + " consecutive_failures int, last_heartbeat timestamptz, version bigint NOT NULL,"
            + " priority smallint, PRIMARY KEY (task_name, task_instance))");
    testbed.execute("CREATE INDEX IF NOT EXISTS due ON scheduled_tasks (execution_time)");
    testbed.execute("CREATE INDEX IF NOT EXISTS beat ON scheduled_tasks (last_heartbeat)");
  }

  static String versions() {
    return "gruelbox transactionoutbox-core "
        + version(TransactionOutbox.class)
        + ", db-scheduler "
        + version(Scheduler.class);
  }

  private static String version(Class<?> type) {
    String jar = type.getProtectionDomain().getCodeSource().getLocation().getPath();
    return jar.replaceAll(".*-([0-9.]+)\\.jar", "$1");
  }

  /** Returns rows per second of gruelbox: 8 threads fed by flush in batches of 1,000. */
  double gruelbox(int messages) throws Exception {
    CountingSink counter = new CountingSink();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            8,
            8,
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(2_000),
            new ThreadPoolExecutor.CallerRunsPolicy());
    boolean[] open = {false};
    TransactionManager manager = TransactionManager.fromDataSource(testbed.pool);
    TransactionOutbox outbox =
        TransactionOutbox.builder()
            .transactionManager(manager)
            .persistor(Persistor.forDialect(Dialect.POSTGRESQL_9))
            .instantiator(Instantiator.using(type -> new Sink(counter)))
            .submitter(
                (entry, work) -> {
                  if (open[0]) {
                    Submitter.withExecutor(threads).submit(entry, work);
                  }
                })
            .attemptFrequency(Duration.ofMinutes(2))
            .flushBatchSize(1_000)
            .build();
    try {
      testbed.execute("TRUNCATE txno_outbox");
      for (int first = 0; first < messages; first += 500) {
        int from = first;
        manager.inTransaction(
            () -> {
              for (int n = from; n < Math.min(from + 500, messages); n++) {
                outbox.schedule(Sink.class).take("k" + n % 1_000, BODY);
              }
            });
      }
      testbed.execute("UPDATE txno_outbox SET nextAttemptTime = now() - interval '1 hour'");
      open[0] = true;
      long start = System.nanoTime();
      boolean more = true;
      while (more) {
        more = outbox.flush();
      }
      counter.await(messages);
      OutboxTestbed.await(
          "gruelbox has deleted all",
          () ->
              testbed.queryLong("SELECT count(*) FROM (SELECT 1 FROM txno_outbox LIMIT 1) x") == 0);
      return messages * 1e9 / (System.nanoTime() - start);
    } finally {
      threads.shutdown();
    }
  }

  /** Returns rows per second of db-scheduler: lock-and-fetch, 20 threads, polls every 100 ms. */
  double dbScheduler(int messages) {
    CountingSink counter = new CountingSink();
    OneTimeTask<String> task =
        Tasks.oneTime("send", String.class)
            .execute(
                (instance, context) -> {
                  if (!instance.getData().isEmpty()) {
                    counter.count();
                  }
                });
    Scheduler scheduler =
        Scheduler.create(testbed.pool, task)
            .threads(20)
            .pollUsingLockAndFetch(4.0, 20.0)
            .pollingInterval(Duration.ofMillis(100))
            .failureLogging(LogLevel.OFF, false)
            .build();
    testbed.execute("TRUNCATE scheduled_tasks");
    scheduler.scheduleBatch(
        java.util.stream.IntStream.range(0, messages).mapToObj(n -> task.instance("m" + n, BODY)),
        Instant.now().minusSeconds(60));
    long start = System.nanoTime();
    scheduler.start();
    try {
      counter.await(messages);
      OutboxTestbed.await(
          "db-scheduler has deleted all",
          () ->
              testbed.queryLong("SELECT count(*) FROM (SELECT 1 FROM scheduled_tasks LIMIT 1) x")
                  == 0);
      return messages * 1e9 / (System.nanoTime() - start);
    } finally {
      scheduler.stop();
    }
  }
}
