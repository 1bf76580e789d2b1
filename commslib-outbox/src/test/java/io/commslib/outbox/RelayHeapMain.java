package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.TestDatabases;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes large messages and relays them with the default settings; its caller bounds the heap.
 * Arguments: JDBC URL, user, password, number of messages, bytes of each. Prints one line of
 * figures.
 */
public final class RelayHeapMain {

  private RelayHeapMain() {}

  /**
   * Runs it.
   *
   * @param args see above
   */
  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[3]);
    int bytes = Integer.parseInt(args[4]);
    ExecutorService broker = Executors.newSingleThreadExecutor();
    try (HikariDataSource pool = TestDatabases.pool(args[0], args[1], args[2]);
        SystemRuntime runtime = SystemRuntime.create()) {
      JdbcDatabase database = JdbcDatabase.builder(pool).schema("heap_" + bytes).build();
      OutboxSchema.scripts().apply(database);
      JdbcOutbox outbox =
          JdbcOutbox.create(database, OutboxConfig.builder().maxMessageBytes(bytes).build());
      write(database, outbox, count, bytes);
      AtomicInteger published = new AtomicInteger();
      AtomicInteger wrong = new AtomicInteger();
      AtomicLong mostUsed = new AtomicLong();
      RecordingTransport base = new RecordingTransport();
      long start = System.nanoTime();
      OutboxRelay relay =
          OutboxRelay.create(
              outbox,
              RelayUserCodeTest.with(
                  base,
                  (to, message) -> {
                    CompletableFuture<PublishReceipt> result = new CompletableFuture<>();
                    int size = message.body().length;
                    broker.execute(
                        () -> {
                          Runtime jvm = Runtime.getRuntime();
                          mostUsed.accumulateAndGet(
                              jvm.totalMemory() - jvm.freeMemory(), Math::max);
                          wrong.addAndGet(size == bytes ? 0 : 1);
                          published.incrementAndGet();
                          result.complete(new PublishReceipt(message.id(), to, ""));
                        });
                    return result;
                  }),
              runtime);
      relay.start();
      long end = System.nanoTime() + 120_000_000_000L;
      while (relay.measure().backlog() > 0 && System.nanoTime() < end) {
        java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
      }
      System.out.printf(
          "published=%d wrong=%d left=%d millis=%d heapMiB=%d usedMiB=%d health=%s%n",
          published.get(),
          wrong.get(),
          relay.measure().backlog(),
          (System.nanoTime() - start) / 1_000_000,
          Runtime.getRuntime().maxMemory() >> 20,
          mostUsed.get() >> 20,
          relay.health().status());
      relay.close();
    } finally {
      broker.shutdownNow();
    }
  }

  private static void write(JdbcDatabase database, JdbcOutbox outbox, int count, int bytes) {
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    byte[] body = new byte[bytes];
    new java.util.Random(7).nextBytes(body);
    for (int i = 0; i < count; i++) {
      Message message = Message.builder("test").id("m" + i).key("k" + i % 50).body(body).build();
      transactions.run(
          tx -> {
            outbox.publish(tx, Destination.queue("orders"), message);
            return null;
          });
    }
  }
}
