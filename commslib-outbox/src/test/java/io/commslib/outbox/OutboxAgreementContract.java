package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.detail;
import static io.commslib.outbox.OutboxFixture.message;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Settings that all processes of the tables must agree on. They are stored there and compared. */
interface OutboxAgreementContract extends OutboxChapter {

  private void assertRefused(int shards) {
    assertThatThrownBy(() -> configure(quick().shards(shards)))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT))
        .hasMessageContaining("COMMS-OUTBOX-001: shards: " + shards + " (expected: 8");
  }

  @Test
  default void aWriterWithAnotherNumberOfShardsIsRefusedAlthoughNoRelayHasRun() {
    assertRefused(16);
    assertRefused(4);
  }

  @Test
  default void theStoredNumberOfShardsDoesNotDependOnTransactions() {
    assertThatThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          outbox().publish(tx, ORDERS, message("undone", "k"));
                          throw new IllegalStateException("rolled back");
                        }))
        .hasMessage("rolled back");
    assertRefused(16);
    transactions()
        .run(
            tx -> {
              // Neither waits for the open transaction.
              outbox().publish(tx, ORDERS, message("open", "k"));
              assertRefused(16);
              configure(quick());
              return null;
            });
  }

  @Test
  default void ofWritersThatStartSimultaneouslyOneNumberOfShardsWins() throws Exception {
    forgetShards();
    List<Integer> created = new CopyOnWriteArrayList<>();
    List<Throwable> others = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int shards : new int[] {4, 8, 16, 4, 8, 16}) {
      threads.add(
          new Thread(
              () -> {
                try {
                  JdbcOutbox.create(database(), quick().shards(shards).build());
                  created.add(shards);
                } catch (StoreException e) {
                  assertThat(e.code()).isEqualTo("COMMS-OUTBOX-001");
                } catch (Throwable e) {
                  others.add(e);
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(others).isEmpty();
    assertThat(new HashSet<>(created)).hasSize(1);
    assertThat(created).hasSize(2);
    assertThat(rows("outbox_shard")).isEqualTo(created.get(0));
  }

  @Test
  default void anOutboxWithoutItsTablesIsRefusedWithTheRemedy() {
    JdbcDatabase empty = JdbcDatabase.builder(dataSource()).schema("nothing_here").build();
    assertThatThrownBy(() -> JdbcOutbox.create(empty, config()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("COMMS-JDBC-010")
        .hasMessageContaining("SchemaScripts.apply");
  }

  @Test
  default void messagesThatNoRelayReadsAreCountedAndReportedAndFailDrain() {
    List<Trouble> reported = new CopyOnWriteArrayList<>();
    configure(quick().observer(recordingIn(reported)));
    OutboxRelay relay = startRelay();
    String bytes = database().dialect() == SqlDialect.H2 ? "X'00'" : "'x'";
    execute(
        "INSERT INTO "
            + database().table("outbox_message")
            + " (shard, destination, msg_key, payload, headers)"
            + " VALUES (8, 'queue:orders', NULL, "
            + bytes
            + ", 'x:y')");
    assertThat(relay.drain(Duration.ofMinutes(10))).isFalse();
    Await.until("counted", () -> detail(relay, "outsideShards") == 1);
    assertThat(relay.health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(relay.health().reason()).contains("1 messages").contains("expected: 0..7");
    assertThat(relay.measure().outsideShards()).isEqualTo(1);
    assertThat(relay.measure().backlog()).isEqualTo(1);
    Await.until("reported by drain and by the loop", () -> reported.size() >= 2);
    assertThat(reported)
        .allMatch(trouble -> trouble.kind() == Trouble.Kind.STALLED)
        .allMatch(trouble -> trouble.text().contains("1 messages are in shards"));
    execute("DELETE FROM " + database().table("outbox_message"));
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
  }

  private static CommsObserver recordingIn(List<Trouble> reported) {
    return new CommsObserver() {
      @Override
      public void onTrouble(Trouble trouble) {
        reported.add(trouble);
      }
    };
  }

  @Test
  default void delayedMessagesThatNoRelayReadsFailDrainToo() {
    OutboxRelay relay = startRelay();
    transactions()
        .run(
            tx -> {
              outbox()
                  .publishLater(tx, ORDERS, message("later", "k"), Instant.now().plusSeconds(3600));
              return null;
            });
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
    execute("UPDATE " + database().table("outbox_delayed") + " SET shard = 8");
    assertThat(relay.drain(Duration.ofMinutes(10))).isFalse();
  }

  @Test
  default void drainWaitsForMessagesInShardsThatNoRelayOwns() {
    // Another relay seems to run, so this one takes at most half of the shards.
    String nodes = database().table("outbox_node");
    String soon = database().dialect().now();
    execute("INSERT INTO " + nodes + " (node, heartbeat) VALUES ('other', " + soon + ")");
    OutboxRelay relay = startRelay();
    writeInTurn(100, 100);
    assertThat(relay.drain(Duration.ofMillis(500))).isFalse();
    assertThat(rows("outbox_message")).isPositive();
    execute("DELETE FROM " + nodes + " WHERE node = 'other'");
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  default void refusesATransportThatAcceptsLessThanTheOutbox() {
    configure(quick().maxMessageBytes(4096));
    InMemoryTransport small = InMemoryTransport.builder().maxMessageBytes(2048).build();
    assertThatThrownBy(() -> OutboxRelay.create(outbox(), small, runtime()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("OutboxConfig.maxMessageBytes: 4096")
        .hasMessageContaining("2048");
    small.close();
  }
}
