package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlDialect;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What processes with the same tables must agree on is stored there, and compared. */
public abstract class OutboxAgreementContract extends OutboxUpgradeContract {

  /** Creates a contract. */
  protected OutboxAgreementContract() {}

  private void assertRefused(Runnable writes) {
    assertThatThrownBy(writes::run)
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
        .hasMessageContaining("COMMS-OUTBOX-001: shards: 16 (expected: 8");
  }

  @Test
  void aWriterWithAnotherNumberOfShardsIsRefused() {
    startRelay();
    configure(quick().shards(16));
    assertRefused(() -> write("m", "k"));
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  void aWriterThatBeganBeforeTheFirstRelayIsComparedFromThenOn() {
    configure(quick().shards(16));
    write("early", "k");
    JdbcOutbox early = outbox;
    configure(quick());
    startRelay();
    outbox = early;
    assertRefused(() -> write("late", "k"));
  }

  @Test
  void aWriterWithoutTablesIsToldWhatToDo() {
    JdbcDatabase empty = JdbcDatabase.builder(dataSource()).schema("nothing_here").build();
    JdbcOutbox homeless = JdbcOutbox.create(empty, config);
    assertThatThrownBy(
            () ->
                JdbcTransactionRunner.create(empty)
                    .run(
                        tx -> {
                          homeless.publish(tx, ORDERS, message("m", "k"));
                          return null;
                        }))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("COMMS-JDBC-010")
        .hasMessageContaining("OutboxSchema.scripts().apply");
  }

  @Test
  void healthCountsMessagesThatNoRelayWillRead() {
    OutboxRelay relay = startRelay();
    String bytes = database.dialect() == SqlDialect.H2 ? "X'00'" : "'x'";
    execute(
        "INSERT INTO "
            + database.table("outbox_message")
            + " (shard, destination, msg_key, payload, headers)"
            + " VALUES (8, 'queue:orders', NULL, "
            + bytes
            + ", 'x:y')");
    Await.until("counted", () -> detail(relay, "outsideShards") == 1);
    assertThat(relay.health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(relay.health().reason()).contains("1 messages").contains("expected: 0..7");
    assertThat(relay.measure().outsideShards()).isEqualTo(1);
    assertThat(relay.measure().backlog()).isEqualTo(1);
    assertThat(relay.drain(Duration.ofMillis(100))).isTrue();
  }

  @Test
  void refusesATransportThatTakesLessThanTheOutbox() {
    configure(quick().maxMessageBytes(4096));
    InMemoryTransport small = InMemoryTransport.builder().maxMessageBytes(2048).build();
    assertThatThrownBy(() -> OutboxRelay.create(outbox, small, runtime))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("OutboxConfig.maxMessageBytes: 4096")
        .hasMessageContaining("2048");
    small.close();
  }
}
