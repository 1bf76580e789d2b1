package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.StoreException;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.outbox.next.NextOutboxSchema;
import io.commslib.testkit.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The upgrade from the tables of this release to those of the next one, and back, under load. */
interface OutboxUpgradeContract extends OutboxChapter {

  SchemaScripts NEXT = NextOutboxSchema.scripts(2);
  SchemaScripts INCOMPATIBLE = NextOutboxSchema.scripts(3);

  @Test
  default void upgradesToTheNextVersionAndBackWhileProcessesOfBothRun() throws Exception {
    try (Load load = new Load(fixture())) {
      load.write("old-a", false);
      load.write("old-b", false);
      OutboxRelay before = startRelay();
      load.awaitPublished(50);

      NEXT.apply(database());
      NEXT.check(database());
      load.write("new-a", true);
      load.awaitPublished(50);

      before.close();
      startRelay();
      load.write("old-c", false);
      OutboxSchema.scripts().apply(database());
      OutboxSchema.scripts().check(database());
      load.awaitPublished(50);

      INCOMPATIBLE.apply(database());
      NEXT.check(database());
      assertThatThrownBy(() -> OutboxRelay.create(outbox(), transport(), runtime()).start())
          .isInstanceOfSatisfying(
              StoreException.class,
              refused -> assertThat(refused.code()).isEqualTo("COMMS-JDBC-012"))
          .hasMessageContaining(
              "version 3, for processes of version 2 and newer (expected: for version 1");
      load.stop();

      Await.until("all published", () -> rows("outbox_message") == 0);
      assertThat(transport().confirmed()).hasSize(load.written.get());
      assertFirstPublicationsInOrder();
      assertThat(rows("outbox_parked")).isZero();
      assertThat(rows("outbox_note")).isEqualTo(load.noted.get()).isPositive();
      assertThat(load.slowestMillis.get()).isLessThan(5_000);
    }
  }

  /** Writing processes, each with messages of a key of its own. */
  final class Load implements AutoCloseable {

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Future<?>> writers = new ArrayList<>();
    private final AtomicInteger written = new AtomicInteger();
    private final AtomicInteger noted = new AtomicInteger();
    private final AtomicInteger slowestMillis = new AtomicInteger();
    private final OutboxFixture fixture;
    private volatile boolean stopped;

    Load(OutboxFixture fixture) {
      this.fixture = fixture;
    }

    /** Writes until the end. A process of the new version uses the new tables' columns. */
    void write(String process, boolean isNew) {
      String key = process.replace('-', '_');
      writers.add(
          threads.submit(
              () -> {
                for (int number = 1; !stopped; number++) {
                  String id = key + "-" + number;
                  long start = System.nanoTime();
                  fixture.transactions.run(
                      tx -> {
                        fixture.outbox.publish(tx, ORDERS, message(id, key));
                        if (isNew) {
                          note(tx.unwrap(Connection.class), id);
                        }
                        return null;
                      });
                  long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
                  slowestMillis.accumulateAndGet((int) millis, Math::max);
                  written.incrementAndGet();
                  noted.addAndGet(isNew ? 1 : 0);
                }
                return null;
              }));
    }

    private void note(Connection connection, String id) throws SQLException {
      try (Statement statement = connection.createStatement()) {
        statement.executeUpdate(
            "INSERT INTO " + fixture.database.table("outbox_note") + " (id) VALUES ('" + id + "')");
      }
    }

    void awaitPublished(int more) {
      int before = fixture.transport.confirmed().size();
      Await.until(
          more + " more published",
          () ->
              fixture.transport.confirmed().size() >= before + more
                  || writers.stream().anyMatch(Future::isDone));
    }

    void stop() throws Exception {
      stopped = true;
      for (Future<?> writer : writers) {
        writer.get();
      }
    }

    @Override
    public void close() {
      stopped = true;
      threads.shutdown();
    }
  }
}
