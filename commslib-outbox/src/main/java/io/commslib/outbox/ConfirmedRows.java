package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows the transport has confirmed and that are still in the table. They leave by explicit id; who
 * owns what is asked with the same statement or transaction. Confined to the relay's thread, the
 * lag aside.
 */
final class ConfirmedRows {

  private final boolean archives;
  private final OutboxTransactions transactions;
  private final OutboxTables tables;
  private final @Nullable PostgresRows postgres;
  private final ShardLeases leases;
  private final OutboxArchive archive;
  private final PublishLag lag;
  private final List<OutboxRow> rows = new ArrayList<>();

  ConfirmedRows(
      JdbcOutbox outbox,
      OutboxTransactions transactions,
      OutboxTables tables,
      @Nullable PostgresRows postgres,
      ShardLeases leases,
      TimeSource time) {
    this.archives = outbox.config().archive();
    this.transactions = transactions;
    this.tables = tables;
    this.postgres = postgres;
    this.leases = leases;
    this.archive = new OutboxArchive(outbox.jdbc());
    this.lag = new PublishLag(outbox.jdbc(), time);
  }

  void add(OutboxRow row) {
    rows.add(row);
  }

  int size() {
    return rows.size();
  }

  /** How long what was acknowledged last had taken since it was written. */
  Duration lag() {
    return lag.last();
  }

  /**
   * Deletes or archives them all, in one transaction; returns which. After a failure they are still
   * here.
   *
   * @param retries whether some may have failed before
   */
  List<OutboxRow> acknowledge(Ownership own, boolean retries) {
    if (rows.isEmpty()) {
      return List.of();
    }
    List<OutboxRow> leaving = List.copyOf(rows);
    if (postgres == null || archives) {
      transactions.run(
          "acknowledge",
          connection -> {
            lag.sample(connection, leaving.get(0));
            if (archives) {
              archive.move(connection, leaving);
            }
            tables.acknowledge(connection, leaving, retries);
            leases.compareEpochs(connection, own);
            return null;
          });
    } else {
      Map<Integer, Long> epochs =
          transactions.single(
              "acknowledge",
              connection -> {
                lag.sample(connection, leaving.get(0));
                return postgres.acknowledge(connection, leaving, retries, leases.node());
              });
      leases.compareEpochs(epochs, own);
    }
    rows.clear();
    return leaving;
  }
}
