package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.OTHER;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import io.commslib.testkit.Await;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Messages that can not be published. */
interface OutboxFailureContract extends OutboxChapter {

  @Test
  default void keepsOrderPerKeyThroughFailedPublishes() {
    SplittableRandom dice = new SplittableRandom(3);
    transport()
        .failWhen(
            (to, message) -> {
              synchronized (dice) {
                return dice.nextInt(4) == 0 ? FailureKind.TRANSIENT : null;
              }
            });
    startRelay();
    writeInTurn(200, 7);
    Await.until("all published", () -> new HashSet<>(transport().ids()).size() == 200);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void aDeadDestinationDoesNotStopAnother() {
    transport().failWhen((to, message) -> to.equals(OTHER) ? FailureKind.TRANSIENT : null);
    OutboxRelay relay = startRelay();
    for (int i = 0; i < 50; i++) {
      write(OTHER, "dead-" + i, "k" + i);
    }
    for (int i = 0; i < 50; i++) {
      write(ORDERS, "alive-" + i, "k" + i);
    }
    Await.until(
        "alive ones published",
        () -> transport().ids().stream().filter(id -> id.startsWith("alive")).count() == 50);
    Await.until("only the dead ones stored", () -> rows("outbox_message") == 50);
    assertThat(rows("outbox_parked")).as("an outage consumes no attempt").isZero();
    Await.until("health is DEGRADED", () -> relay.health().status() == Health.Status.DEGRADED);
    transport().failWhen((to, message) -> null);
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void aMessageThatOnlyAnotherProcessCanPublishWaitsAndIsNotParked() {
    InMemoryTransport old = InMemoryTransport.create();
    InMemoryTransport young = InMemoryTransport.create();
    try (old;
        young) {
      old.declare(DestinationConfig.builder(ORDERS).build());
      young.declare(DestinationConfig.builder(ORDERS).build());
      OutboxRelay before = OutboxRelay.create(outbox(), old, runtime());
      relays().add(before);
      before.start();
      write(OTHER, "new", "k");
      write(ORDERS, "known", "k");
      Await.until(
          "health names the destination",
          () -> before.health().reason().contains("destinations unreachable: [" + OTHER + "]"));
      Await.until("the known one published", () -> rows("outbox_message") == 1);
      assertThat(rows("outbox_retry")).as("no attempt is counted").isZero();
      assertThat(rows("outbox_parked")).isZero();
      young.declare(DestinationConfig.builder(OTHER).build());
      OutboxRelay after = OutboxRelay.create(outbox(), young, runtime());
      relays().add(after);
      after.start();
      before.close();
      Await.until("the new one published", () -> rows("outbox_message") == 0);
      relays().forEach(OutboxRelay::close);
    }
  }

  @RepeatedTest(5)
  default void parksARefusedMessageAndBlocksItsKeyUntilRedriven() {
    AtomicBoolean refuses = new AtomicBoolean(true);
    transport()
        .failWhen(
            (to, message) ->
                refuses.get() && message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    write("beside", "other-key");
    OutboxAdmin admin = OutboxAdmin.create(database());
    Await.until("parked", () -> admin.parked(10).size() == 1);
    ParkedMessage parked = admin.parked(10).get(0);
    assertThat(parked.attempts()).isEqualTo(config().attempts());
    assertThat(parked.errorCode()).isEqualTo("COMMS-TEST-001");
    assertThat(parked.key()).contains("k");
    Await.until("beside published", () -> transport().ids().contains("beside"));
    assertThat(transport().confirmed()).doesNotContain("behind", "bad");
    refuses.set(false);
    assertThat(admin.redriveAtFront(parked.id(), "ann", "repaired")).isTrue();
    assertThat(admin.redriveAtFront(parked.id(), "ann", "repaired")).isFalse();
    Await.until(
        "both published", () -> transport().confirmed().containsAll(List.of("bad", "behind")));
    assertThat(transport().confirmed().indexOf("bad"))
        .isLessThan(transport().confirmed().indexOf("behind"));
    assertThat(rows("outbox_retry")).isZero();
  }

  @Test
  default void discardingAParkedMessageUnblocksItsKey() {
    transport()
        .failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    OutboxAdmin admin = OutboxAdmin.create(database());
    Await.until("parked", () -> admin.parked(10).size() == 1);
    assertThat(admin.discard(admin.parked(10).get(0).id(), "ann", "not needed")).isTrue();
    Await.until("behind published", () -> transport().confirmed().contains("behind"));
  }

  @Test
  default void skipsAParkedMessageIfConfigured() {
    configure(
        OutboxConfig.builder()
            .shards(8)
            .attempts(2)
            .pollInterval(Duration.ofMillis(50))
            .leaseTime(Duration.ofSeconds(5))
            .backoff(Backoff.exponential(Duration.ofMillis(5), Duration.ofMillis(5)))
            .onParked(OutboxConfig.OnParked.SKIP));
    transport()
        .failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    Await.until("behind published", () -> transport().confirmed().contains("behind"));
    assertThat(rows("outbox_parked")).isEqualTo(1);
  }

  @Test
  default void parksARowThatCannotBeReadAndContinues() throws SQLException {
    startRelay();
    try (Connection connection = dataSource().getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO "
                    + database().table("outbox_message")
                    + " (shard, destination, msg_key, payload, headers) VALUES (1, 'nowhere', NULL, ?, 'rubbish')")) {
      insert.setBytes(1, new byte[] {1});
      insert.executeUpdate();
    }
    write("good", "k");
    Await.until("good published", () -> transport().ids().contains("good"));
    Await.until("rubbish parked", () -> rows("outbox_parked") == 1);
    ParkedMessage rubbish = OutboxAdmin.create(database()).parked(1).get(0);
    assertThat(rubbish.errorCode()).isEqualTo("COMMS-OUTBOX-003");
    assertThat(rubbish.lastError())
        .matches(
            ".*CodecException: COMMS-OUTBOX-003: row 1/\\d+, destination: nowhere \\(expected: topic:NAME or"
                + " queue:NAME\\)");
  }

  @Test
  default void aHangingDestinationLeavesCapacityForOthers() {
    configure(quick().batchSize(20).maxUnconfirmed(40));
    transport().holdWhen(message -> message.id().startsWith("hung"));
    startRelay();
    for (int i = 0; i < 200; i++) {
      write(OTHER, "hung-" + i, "k" + i);
    }
    Await.until("window full", () -> transport().ids().size() >= 20);
    for (int i = 0; i < 100; i++) {
      write(ORDERS, "alive-" + i, "k" + i);
    }
    Await.until("alive ones published", () -> transport().confirmed().size() == 100);
    transport().releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void continuesAsSoonAsADestinationHasCapacityAgain() {
    OutboxConfig.Builder seldom =
        quick().leaseTime(Duration.ofMinutes(5)).pollInterval(Duration.ofSeconds(59));
    configure(seldom.batchSize(20).maxUnconfirmed(40));
    transport().holdWhen(message -> true);
    for (int i = 0; i < 200; i++) {
      write("m" + i, "k" + i);
    }
    startRelay();
    Await.until("window full", () -> transport().ids().size() >= 20);
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    transport().releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void keepsNoMoreBytesInMemoryThanConfigured() {
    configure(quick().maxUnconfirmedBytes(64 * 1024));
    transport().holdWhen(message -> true);
    startRelay();
    transactions()
        .run(
            tx -> {
              for (int i = 0; i < 60; i++) {
                outbox()
                    .publish(
                        tx,
                        ORDERS,
                        Message.builder("t").id("m" + i).body(new byte[20_000]).build());
              }
              return null;
            });
    Await.until("some published", () -> transport().ids().size() >= 3);
    write("one-more-read", "k");
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(transport().ids()).hasSizeLessThanOrEqualTo(4);
    transport().releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void parksARowOnWhichTheTransportThrowsInsteadOfPausingItsDestination() {
    transport().throwWhen(message -> message.id().equals("odd"));
    OutboxRelay relay = startRelay();
    write("odd", "k");
    write("beside", "other-key");
    Await.until("beside published", () -> transport().confirmed().contains("beside"));
    Await.until("odd parked", () -> rows("outbox_parked") == 1);
    ParkedMessage odd = OutboxAdmin.create(database()).parked(1).get(0);
    assertThat(odd.errorCode() + ": " + odd.lastError())
        .isEqualTo("COMMS-OUTBOX-004: java.lang.IllegalStateException: a fault of the transport");
    assertThat(relay.health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  default void keepsOneOfAKeyUnconfirmedWhereTheTransportHasNoFence() {
    transport().holdWhen(message -> true);
    startRelay();
    write("k-1", "k");
    write("k-2", "k");
    write("other", "other-key");
    Await.until("other published, unconfirmed", () -> transport().ids().contains("other"));
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(transport().ids()).containsExactlyInAnyOrder("k-1", "other");
    transport().releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void pipelinesAKeyAndKeepsItsOrderWhereTheTransportFencesKeys() {
    RecordingTransport fencing = new RecordingTransport(Capability.KEYED_PUBLISH_FENCE);
    fencing.holdWhen(message -> true);
    OutboxRelay relay = OutboxRelay.create(outbox(), fencing, runtime());
    relays().add(relay);
    relay.start();
    for (int i = 1; i <= 5; i++) {
      write("k-" + i, "k");
    }
    Await.until("all published, unconfirmed", () -> fencing.ids().size() == 5);
    fencing.failHeld("k-3", FailureKind.PERMANENT);
    fencing.releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(fencing.confirmed()).containsExactly("k-1", "k-2", "k-3", "k-4", "k-5");
    assertThat(rows("outbox_parked")).isZero();
    assertThat(relay.health().status())
        .as("failures behind the refused message did not pause the destination")
        .isEqualTo(Health.Status.UP);
  }

  @Test
  default void publishesNothingOfAKeyUntilTheRelayHasSeenItsFailure() {
    String sameShard =
        IntStream.range(0, 1_000)
            .mapToObj(i -> "other-" + i)
            .filter(key -> OutboxRow.shardOf(key, 8) == OutboxRow.shardOf("k", 8))
            .findFirst()
            .orElseThrow();
    RecordingTransport fencing = new RecordingTransport(Capability.KEYED_PUBLISH_FENCE);
    fencing.holdWhen(message -> message.id().equals("k-1"));
    fencing.onConfirm(
        id -> {
          if (id.equals("between")) {
            fencing.holdWhen(message -> false);
            fencing.failHeld("k-1", FailureKind.PERMANENT);
          }
        });
    write("k-1", "k");
    write("between", sameShard);
    write("k-2", "k");
    OutboxRelay relay = OutboxRelay.create(outbox(), fencing, runtime());
    relays().add(relay);
    relay.start();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(fencing.confirmed()).containsExactly("between", "k-1", "k-2");
  }

  @Test
  default void clearsRetryStateWhoseMessageIsDeleted() {
    execute(
        "INSERT INTO "
            + database().table("outbox_retry")
            + " (shard, message_row, destination, msg_key, attempts, next_at, last_error,"
            + " first_failed_at) VALUES ("
            + OutboxRow.shardOf("k", 8)
            + ", 4711, 'queue:orders', 'k', 1, NULL, 'left behind', CURRENT_TIMESTAMP)");
    startRelay();
    write("m1", "k");
    Await.until("m1 published", () -> transport().confirmed().contains("m1"));
    Await.until("nothing left", () -> rows("outbox_retry") == 0);
  }
}
