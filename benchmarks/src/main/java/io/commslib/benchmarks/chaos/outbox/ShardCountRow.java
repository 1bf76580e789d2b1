package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Message;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writers with another number of shards than the relay: each of them is refused, and the other
 * writers continue in order.
 */
final class ShardCountRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int OTHER_SHARDS = 16;

  private ShardCountRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(server, environment.seed(), environment.bySize(1_000, 5_000, 20_000));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int messages) throws Exception {
    List<String> unmet = new ArrayList<>();
    long refused = 0;
    long tried = 0;
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed)) {
      system.start(ChildSettings.relay()).awaitReady();
      OutboxConfig otherConfig = OutboxConfig.builder().shards(OTHER_SHARDS).build();
      JdbcTransactionRunner transactions = JdbcTransactionRunner.create(system.database());
      try (WriterThreads writers =
          new WriterThreads(system, system.database(), 4, messages, ChaosWriter.Load.PLAIN)) {
        while (writers.isRunning()) {
          Message message =
              Message.builder("chaos.event").id("other-" + tried).key("k" + tried % 10).build();
          tried++;
          try {
            JdbcOutbox other = JdbcOutbox.create(system.database(), otherConfig);
            transactions.run(
                tx -> {
                  other.publish(tx, ChaosWriter.QUEUE, message);
                  return null;
                });
          } catch (StoreException e) {
            refused += e.code().equals("COMMS-OUTBOX-001") ? 1 : 0;
          }
        }
        writers.join();
        system.awaitQuiet(STUCK);
      }
      if (tried == 0 || refused != tried) {
        unmet.add("refused " + refused + " of " + tried + " writers with other shards");
      }
      if (system.receivedFrom().keySet().stream().anyMatch(id -> id.startsWith("other-"))) {
        unmet.add("a message of a refused writer was published");
      }
      return new OutboxRowResult(system.verdict(), Map.of("refused", refused), unmet);
    }
  }
}
