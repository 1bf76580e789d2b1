package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.OTHER;
import static io.commslib.outbox.OutboxFixture.message;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.format.DebeziumFormat;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.outbox.OutboxConfig.OnParked;
import io.commslib.testkit.Await;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Policies, parked and delayed messages, the archive, measurements and the table layout. */
interface OutboxOperationsContract extends OutboxChapter {

  Instant LONG_AGO = Instant.parse("2020-01-01T00:00:00Z");

  private OutboxAdmin admin() {
    return OutboxAdmin.create(database());
  }

  private ParkedMessage parkBad() {
    transport()
        .failWhen((to, message) -> message.id().startsWith("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    Await.until("parked", () -> admin().parked(10).size() == 1);
    return admin().parked(10).get(0);
  }

  @Test
  default void policiesHoldForTheirDestinationOnly() {
    configure(quick().attempts(2).onParked(OTHER, OnParked.SKIP));
    transport()
        .failWhen((to, message) -> message.id().startsWith("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write(OTHER, "bad-skipped", "k");
    write(OTHER, "behind-skipped", "k");
    write(ORDERS, "bad-blocking", "k");
    write(ORDERS, "behind-blocking", "k");
    Await.until("both parked", () -> rows("outbox_parked") == 2);
    Await.until("skipped", () -> transport().confirmed().contains("behind-skipped"));
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(transport().ids()).doesNotContain("behind-blocking");
  }

  @Test
  default void pausesADestinationForAllRelaysUntilItIsResumedWhileOthersFlow() {
    configure(quick().attempts(2).onParked(OTHER, OnParked.PAUSE_DESTINATION));
    transport()
        .failWhen((to, message) -> message.id().startsWith("bad") ? FailureKind.PERMANENT : null);
    OutboxRelay relay = startRelay();
    write(OTHER, "bad", "k");
    Await.until("paused", () -> rows("outbox_pause") == 1);
    startRelay();
    for (int i = 0; i < 20; i++) {
      write(OTHER, "waits-" + i, "k" + i);
      write(ORDERS, "flows-" + i, "k" + i);
    }
    Await.until("others flow", () -> transport().confirmed().size() == 20);
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(transport().ids()).noneMatch(id -> id.startsWith("waits"));
    assertThat(relay.measure().stoppedDestinations()).containsExactly(OTHER.toString());
    assertThat(admin().resume(OTHER.toString(), "ann", "repaired")).isTrue();
    assertThat(admin().resume(OTHER.toString(), "ann", "again")).isFalse();
    Await.until("all but the parked one", () -> transport().confirmed().size() == 40);
  }

  @Test
  default void listsByDestinationKeyClassAndCausePageByPage() {
    configure(quick().attempts(1).onParked(OnParked.SKIP));
    transport().failWhen((to, message) -> FailureKind.PERMANENT);
    startRelay();
    for (int i = 0; i < 5; i++) {
      write(ORDERS, "m" + i, "k" + i % 2);
    }
    write(OTHER, "other", "k0");
    Await.until("all parked", () -> rows("outbox_parked") == 6);
    ParkedFilter all = ParkedFilter.all();
    List<ParkedMessage> first = admin().parked(all.destination("queue:orders"), 0, 3);
    assertThat(first).hasSize(3);
    long last = first.get(2).id();
    assertThat(admin().parked(all.destination("queue:orders"), last, 3))
        .hasSize(2)
        .allMatch(message -> message.id() > last);
    assertThat(admin().parked(all.key("k0"), 0, 10)).hasSize(4);
    assertThat(admin().parked(all.errorCode("COMMS-TEST-001"), 0, 10)).hasSize(6);
    assertThat(admin().parked(all.errorCode("COMMS-TEST-002"), 0, 10)).isEmpty();
    String cause = first.get(0).fingerprint();
    assertThat(admin().parked(all.fingerprint(cause), 0, 10)).hasSize(5);
    assertThat(admin().redriveAll(all.fingerprint(cause).key("k0"), 10, "ann", "try")).isEqualTo(3);
  }

  @Test
  default void explainsWhyAMessageIsParkedAndWhatItBlocks() {
    ParkedMessage parked = parkBad();
    write("behind-1", "k");
    write("behind-2", "k");
    ParkedExplanation why = admin().explain(parked.id()).orElseThrow();
    assertThat(why.keyBlocked()).isTrue();
    assertThat(why.blockedBy()).containsExactly(parked.id());
    assertThat(why.waiting()).isEqualTo(2);
    assertThat(why.message().attempts()).isEqualTo(config().attempts());
    assertThat(why.message().firstFailedAt()).isBeforeOrEqualTo(why.message().parkedAt());
    assertThat(why.message().lastError()).contains("refused by the test");
    assertThat(admin().explain(4711)).isEmpty();
  }

  @Test
  default void redrivesTheMessagesOfAKeyToTheTailInTheirOrder() {
    configure(quick().attempts(1).onParked(OnParked.SKIP));
    AtomicBoolean refuses = new AtomicBoolean(true);
    transport().failWhen((to, message) -> refuses.get() ? FailureKind.PERMANENT : null);
    startRelay();
    for (int i = 0; i < 10; i++) {
      write("m" + i, "k");
    }
    Await.until("all parked", () -> rows("outbox_parked") == 10);
    refuses.set(false);
    write("later", "k");
    Await.until("later published", () -> transport().confirmed().contains("later"));
    assertThat(admin().redriveAll(ParkedFilter.all().key("k"), 100, "ann", "fixed")).isEqualTo(10);
    Await.until("all published", () -> transport().confirmed().size() == 11);
    assertThat(transport().confirmed())
        .containsExactly("later", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9");
  }

  @Test
  default void redrivesToTheFrontOnlyWhileTheKeyIsBlocked() {
    configure(quick().attempts(1).onParked(OnParked.SKIP));
    ParkedMessage parked = parkBad();
    assertThatIllegalStateException()
        .isThrownBy(() -> admin().redriveAtFront(parked.id(), "ann", "too late"))
        .withMessageContaining("expected: one whose key is still blocked");
    assertThat(rows("outbox_parked")).isEqualTo(1);
    assertThat(rows("outbox_audit")).as("nothing was decided").isZero();
  }

  @Test
  default void decidesOnceAndRecordsActorAndReason() throws Exception {
    ParkedMessage parked = parkBad();
    List<CompletableFuture<Boolean>> decisions = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      String actor = "actor-" + i;
      decisions.add(
          CompletableFuture.supplyAsync(
              () -> admin().discard(parked.id(), actor, "a test"),
              runnable -> runtime().newThread("decider", runnable).start()));
    }
    int yes = 0;
    for (CompletableFuture<Boolean> decision : decisions) {
      yes += decision.get(60, TimeUnit.SECONDS) ? 1 : 0;
    }
    assertThat(yes).isEqualTo(1);
    assertThat(admin().audit(10)).hasSize(1);
    AuditEntry entry = admin().audit(10).get(0);
    assertThat(entry.actor()).startsWith("actor-");
    assertThat(entry.reason()).isEqualTo("a test");
    assertThat(entry.action()).isEqualTo("discard");
    assertThat(entry.subject()).contains("queue:orders", "key k");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> admin().discard(1, "", "why"))
        .withMessageStartingWith("actor length: 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> admin().discard(1, "ann", ""))
        .withMessageStartingWith("reason length: 0");
  }

  @Test
  default void cancelsADelayedMessageInTimeAndReportsWhenItIsTooLate() {
    later("cancelled", Instant.now().plus(Duration.ofHours(1)));
    later("kept", LONG_AGO);
    startRelay();
    Await.until("kept published", () -> transport().confirmed().contains("kept"));
    assertThat(cancel("cancelled")).isTrue();
    assertThat(cancel("cancelled")).isFalse();
    assertThat(cancel("kept")).isFalse();
    assertThat(rows("outbox_delayed")).isZero();
  }

  @Test
  default void cancelsTheMessageOfTheGivenSource() {
    JdbcOutbox named = JdbcOutbox.create(database(), quick().source("/orders").build());
    Instant later = Instant.now().plus(Duration.ofHours(1));
    Message own = message("m1", "k");
    Message foreign = own.toBuilder().source("/payment").build();
    transactions()
        .run(
            tx -> {
              named.publishLater(tx, ORDERS, own, later);
              named.publishLater(tx, ORDERS, foreign, later);
              return null;
            });
    assertThat(transactions().<Boolean, RuntimeException>run(tx -> named.cancel(tx, "m1")))
        .isTrue();
    assertThat(transactions().<Boolean, RuntimeException>run(tx -> named.cancel(tx, "m1")))
        .as("the message of the other source is another one")
        .isFalse();
    assertThat(
            transactions()
                .<Boolean, RuntimeException>run(tx -> named.cancel(tx, foreign.identity())))
        .isTrue();
  }

  /** The latest delivery time of a message. */
  @Test
  default void keepsAMessageUntilTheEndOfTheYear9999() {
    Instant last = Instant.parse("9999-12-31T23:59:59.999999999Z");
    later("far", last);
    assertThat(rows("outbox_delayed")).isEqualTo(1);
    assertThat(cancel("far")).isTrue();
  }

  @Test
  default void cancellingAMissingMessageBlocksNoWriter() throws SQLException {
    try (Connection one = repeatableRead();
        Connection two = repeatableRead()) {
      for (Connection each : List.of(one, two)) {
        assertThat(outbox().cancel(JdbcTransactions.join(each, database()), "gone")).isFalse();
      }
      for (Connection each : List.of(one, two)) {
        outbox()
            .publishLater(
                JdbcTransactions.join(each, database()), ORDERS, message("m", "k"), LONG_AGO);
      }
      for (Connection each : List.of(one, two)) {
        each.commit();
        each.setAutoCommit(true);
      }
    }
    assertThat(rows("outbox_delayed")).isEqualTo(2);
  }

  private Connection repeatableRead() throws SQLException {
    Connection connection = dataSource().getConnection();
    connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    connection.setAutoCommit(false);
    return connection;
  }

  @Test
  default void writersWaitingForAKeyContinueWhenTheFirstRollsBack() throws Exception {
    ExecutorService others = Executors.newFixedThreadPool(3);
    List<Future<?>> waiting = new ArrayList<>();
    try (Connection first = repeatableRead()) {
      outbox().ordered(JdbcTransactions.join(first, database()), "k");
      for (int i = 0; i < 3; i++) {
        waiting.add(
            others.submit(
                () -> {
                  try (Connection next = repeatableRead()) {
                    outbox().ordered(JdbcTransactions.join(next, database()), "k");
                    next.commit();
                    next.setAutoCommit(true);
                  }
                  return null;
                }));
      }
      long end = System.nanoTime() + Duration.ofMillis(300).toNanos();
      Await.until("they wait", () -> System.nanoTime() > end);
      assertThat(waiting).noneMatch(Future::isDone);
      first.rollback();
      first.setAutoCommit(true);
      for (Future<?> one : waiting) {
        one.get(20, TimeUnit.SECONDS);
      }
    } finally {
      others.shutdownNow();
    }
  }

  @Test
  default void neverPublishesAMessageThatIsBeingCancelled() {
    later("cancelled", LONG_AGO);
    transactions()
        .run(
            tx -> {
              assertThat(outbox().cancel(tx, "cancelled")).isTrue();
              startRelay();
              later("beside", LONG_AGO);
              Await.until("beside published", () -> transport().confirmed().contains("beside"));
              return null;
            });
    write("after", "k");
    Await.until("after published", () -> transport().confirmed().contains("after"));
    Await.until("nothing left", () -> rows("outbox_message") + rows("outbox_delayed") == 0);
    assertThat(transport().ids()).doesNotContain("cancelled");
  }

  private void later(String id, Instant at) {
    transactions()
        .run(
            tx -> {
              outbox().publishLater(tx, ORDERS, message(id, "k"), at);
              return null;
            });
  }

  private boolean cancel(String id) {
    return transactions().run(tx -> outbox().cancel(tx, id));
  }

  @Test
  default void archivesPublishedMessagesOnceAndPurgesByDayInBatches() throws SQLException {
    configure(quick().archive(true));
    startRelay();
    writeInTurn(30, 5);
    Await.until("all archived", () -> rows("outbox_archive") == 30);
    assertThat(rows("outbox_message")).isZero();
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    assertThat(admin().purgeArchive(today.minusDays(1), 100)).isZero();
    assertThat(admin().purgeArchive(today.plusDays(2), 20)).isEqualTo(20);
    assertThat(admin().purgeArchive(today.plusDays(2), 20)).isEqualTo(10);
    OutboxRow row = new OutboxRow(0, 4711, "queue:orders", null, new byte[0], "");
    try (Connection connection = dataSource().getConnection()) {
      new RowArchive(database()).move(connection, List.of(row));
    }
    assertThat(rows("outbox_archive")).as("no longer stored").isZero();
  }

  @Test
  default void writersThatLockTheirKeyAreNeverInverted() throws Exception {
    assertThat(inversions(true)).isZero();
  }

  @Test
  default void writersThatDoNotLockTheirKeyAreInverted() throws Exception {
    assertThat(inversions(false)).isPositive();
  }

  /**
   * Each transaction draws a number at its commit. Without a lock, one that inserts later may
   * commit earlier. Counts neighbours by row id whose commit numbers descend.
   */
  private int inversions(boolean ordered) throws Exception {
    List<Integer> committed = new ArrayList<>();
    List<CompletableFuture<Void>> writers = new ArrayList<>();
    for (int w = 0; w < 12; w++) {
      int writer = w;
      writers.add(
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 8; i++) {
                  int number = writer * 100 + i;
                  transactions()
                      .run(
                          tx -> {
                            if (ordered) {
                              outbox().ordered(tx, "k");
                            }
                            outbox().publish(tx, ORDERS, message("n" + number, "k"));
                            holdFor(number);
                            // Inside the lock, so the order of the numbers is that of the commits.
                            if (ordered) {
                              note(committed, number);
                            }
                            return null;
                          });
                  if (!ordered) {
                    note(committed, number);
                  }
                }
              },
              runnable -> runtime().newThread("writer", runnable).start()));
    }
    for (CompletableFuture<Void> writer : writers) {
      writer.get(60, TimeUnit.SECONDS);
    }
    return countInversions(committed);
  }

  private static void holdFor(int number) {
    LockSupport.parkNanos(number % 3 * 3_000_000L);
  }

  private static void note(List<Integer> committed, int number) {
    synchronized (committed) {
      committed.add(number);
    }
  }

  private int countInversions(List<Integer> committed) throws SQLException {
    Map<String, Integer> place = new HashMap<>();
    for (int i = 0; i < committed.size(); i++) {
      place.put("n" + committed.get(i), i);
    }
    int inversions = 0;
    int last = -1;
    try (Connection connection = dataSource().getConnection();
        PreparedStatement select =
            connection.prepareStatement(
                "SELECT headers FROM " + database().table("outbox_message") + " ORDER BY id");
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        String id =
            row.getString(1)
                .lines()
                .filter(line -> line.startsWith("ce_id:"))
                .findFirst()
                .orElseThrow()
                .substring("ce_id:".length());
        int now = place.get(id);
        inversions += now < last ? 1 : 0;
        last = now;
      }
    }
    return inversions;
  }

  @Test
  default void measuresBacklogStopsAndParkedMessages() {
    OutboxRelay relay = startRelay();
    write("m1", "k");
    Await.until("lag known", () -> !relay.measure().lag().isZero());
    // The lag is measured within the deletion, which may not be committed yet.
    Await.until("m1 deleted", () -> relay.measure().backlog() == 0);
    admin().pause(OTHER.toString(), "ann", "maintenance");
    Await.until(
        "stop known", () -> relay.measure().stoppedDestinations().contains(OTHER.toString()));
    transport().holdWhen(message -> true);
    write(OTHER, "m2", "k2");
    write(ORDERS, "m3", "k3");
    Await.until("owned", () -> relay.measure().unownedShards() == 0);
    OutboxHealth health = relay.measure();
    assertThat(health.oldestAge()).containsOnlyKeys(ORDERS.toString(), OTHER.toString());
    assertThat(health.oldestAge().values()).allMatch(age -> !age.isNegative());
    assertThat(health.backlog()).isEqualTo(2);
    assertThat(health.ownedShards()).isEqualTo(8);
    assertThat(health.leaseLosses()).isZero();
    assertThat(health.parked()).isZero();
    execute("UPDATE " + database().table("outbox_shard") + " SET epoch = epoch + 1, owner = 'x'");
    transport().releaseHeld();
    Await.until("losses counted", () -> relay.measure().leaseLosses() > 0);
  }

  @Test
  default void columnsAreThoseOfTheDebeziumPreset() throws Exception {
    Map<String, String> preset = DebeziumPreset.read();
    Message written = message("m1", "k");
    write("m1", "k");
    String columns =
        String.join(
            ", ",
            preset.get("table.field.event.id"),
            preset.get("route.by.field"),
            preset.get("table.field.event.key"),
            preset.get("table.field.event.payload"),
            preset.get("table.fields.additional.placement").split(":")[0]);
    try (Connection connection = dataSource().getConnection();
        PreparedStatement select =
            connection.prepareStatement(
                "SELECT " + columns + " FROM " + database().table("outbox_message"));
        ResultSet row = select.executeQuery()) {
      assertThat(row.next()).isTrue();
      assertThat(row.getLong(1)).isPositive();
      assertThat(row.getString(2)).isEqualTo(ORDERS.toString());
      assertThat(row.getString(3)).isEqualTo("k");
      assertThat(row.getBytes(4)).isEqualTo("body of m1".getBytes(StandardCharsets.UTF_8));
      assertThat(row.getString(5).lines())
          .contains("ce_id:m1", "ce_type:test")
          .anyMatch(line -> line.contains("tenant"));
      OutboxRow read =
          new OutboxRow(
              0,
              row.getLong(1),
              row.getString(2),
              row.getString(3),
              row.getBytes(4),
              row.getString(5));
      assertThat(read.message().id()).isEqualTo(written.id());
      assertThat(read.message().headers()).isEqualTo(written.headers());
    }
  }

  @Test
  default void whatTheDebeziumRouterWritesOfARowHasTheIdentityOfItsMessage() throws Exception {
    Message full =
        message("m1", "k").toBuilder()
            .source("/shop")
            .version(3)
            .subject("order 7")
            .time(Instant.parse("2026-05-03T10:00:00.123Z"))
            .correlationId("talk")
            .causationId("cause")
            .traceparent("00-" + "a".repeat(32) + "-" + "b".repeat(16) + "-01")
            .expiry(Instant.parse("2036-05-03T10:00:00Z"))
            .idempotencyKey("once")
            .contentType("text/plain")
            .build();
    Message plain = Message.builder("test").id("m2").source("/shop").build();
    // Sources and keys of any legal form, also those that look like a form of the library.
    Message odd =
        Message.builder("test").id("m3:x=/").source(" /b:\u00fc \u4e2d/ ").key("hex:6b").build();
    List<Message> messages = List.of(full, plain, odd);
    for (Message message : messages) {
      transactions()
          .run(
              tx -> {
                outbox().publish(tx, ORDERS, message);
                return null;
              });
    }
    List<ForeignRecord> records =
        DebeziumPreset.route(dataSource(), database().table("outbox_message"));
    MessageFormat format = DebeziumFormat.router();
    assertThat(records).hasSize(3);
    for (Message message : messages) {
      ForeignRecord record = records.get(messages.indexOf(message));
      assertThat(record.boundName()).isEqualTo(ORDERS.name());
      Message read = format.read(record);
      assertThat(read.identity()).isEqualTo(message.identity());
      assertThat(read.inboxKey()).isEqualTo(message.inboxKey());
      assertThat(read.type()).isEqualTo(message.type());
      assertThat(read.version()).isEqualTo(message.version());
      assertThat(read.key()).isEqualTo(message.key());
      assertThat(format.orderingKey(record))
          .isEqualTo(message.key().map(key -> OrderingKeys.of(key)));
      assertThat(read.subject()).isEqualTo(message.subject());
      assertThat(read.time()).isEqualTo(message.time());
      assertThat(read.correlationId()).isEqualTo(message.correlationId());
      assertThat(read.causationId()).isEqualTo(message.causationId());
      assertThat(read.traceparent()).isEqualTo(message.traceparent());
      assertThat(read.expiry()).isEqualTo(message.expiry());
      assertThat(read.contentType()).isEqualTo(message.contentType());
      assertThat(read.headers()).isEqualTo(message.headers());
      assertThat(read.body()).isEqualTo(message.body());
    }
  }

  @Test
  default void namesASchemaThatIsMissingOlderOrNewerAtStart() {
    String versions = database().table("commslib_schema");
    execute("UPDATE " + versions + " SET version = 2, compatible_from = 2 WHERE module = 'outbox'");
    assertRefused("COMMS-JDBC-012", "schema of outbox", "version 2", "start a newer release");
    execute("DELETE FROM " + versions);
    assertRefused("COMMS-JDBC-010", "missing", "run SchemaScripts.apply");
    execute("INSERT INTO " + versions + " VALUES ('outbox', 1, 1, CURRENT_TIMESTAMP)");
    SchemaScripts ofTheNextRelease = SchemaScripts.of("outbox", 2, OutboxSchema.class);
    assertThatThrownBy(() -> ofTheNextRelease.check(database()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("version 1 (expected: version 2; run SchemaScripts.apply");
  }

  private void assertRefused(String code, String... parts) {
    assertThatThrownBy(() -> OutboxRelay.create(outbox(), transport(), runtime()).start())
        .isInstanceOfSatisfying(
            StoreException.class, refused -> assertThat(refused.code()).isEqualTo(code))
        .hasMessageContainingAll(parts);
  }

  @Test
  default void parksEveryKindOfBadRowAndContinues() throws SQLException {
    configure(quick().attempts(2));
    Destination deleted = Destination.topic("deleted");
    transport().failWhen((to, message) -> to.equals(deleted) ? FailureKind.PERMANENT : null);
    String[][] bad = {
      {"", "ce_id:x"},
      {"nowhere", "ce_id:x"},
      {"queue:", "ce_id:x"},
      {"ftp:orders", "ce_id:x"},
      {"queue:orders", ""},
      {"queue:orders", "rubbish without a colon"},
      {"queue:orders", "{\"json\": [1, 2"},
      {"queue:orders", "ce_specversion:9.9\nce_id:x\nce_type:t\nce_source:s\nce_time:yesterday"},
    };
    try (Connection connection = dataSource().getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO "
                    + database().table("outbox_message")
                    + " (shard, destination, msg_key, payload, headers) VALUES (1, ?, ?, ?, ?)")) {
      for (int i = 0; i < bad.length; i++) {
        insert.setString(1, bad[i][0]);
        insert.setString(2, "bad-" + i);
        insert.setBytes(3, new byte[] {1});
        insert.setString(4, bad[i][1]);
        insert.executeUpdate();
      }
    }
    write(deleted, "to-a-deleted-route", "k");
    OutboxRelay relay = startRelay();
    write("good", "k");
    Await.until("good published", () -> transport().confirmed().contains("good"));
    Await.until("all bad parked", () -> rows("outbox_parked") == bad.length + 1);
    Await.until("nothing left", () -> rows("outbox_message") == 0);
    assertThat(relay.health().status()).isEqualTo(Health.Status.UP);
  }
}
