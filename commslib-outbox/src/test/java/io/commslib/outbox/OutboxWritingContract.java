package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.detail;
import static io.commslib.outbox.OutboxFixture.message;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SqlStatement;
import io.commslib.testkit.Await;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Writing messages and publishing them. */
interface OutboxWritingContract extends OutboxChapter {

  @Test
  default void publishesACommittedMessageAndDeletesItsRow() {
    startRelay();
    write("m1", "k");
    Await.until("m1 published", () -> transport().ids().contains("m1"));
    Await.until("row gone", () -> rows("outbox_message") == 0);
    Message published = transport().message("m1");
    assertThat(published.key()).contains("k");
    assertThat(published.headers()).containsEntry("tenant", "blue: \u00fc");
    assertThat(new String(published.body(), StandardCharsets.UTF_8)).isEqualTo("body of m1");
  }

  @Test
  default void aBacklogOfOneKeyIsPublishedWithoutAPollBetween() {
    configure(quick().leaseTime(Duration.ofSeconds(40)).pollInterval(Duration.ofSeconds(10)));
    transactions()
        .run(
            tx -> {
              for (int i = 0; i < 400; i++) {
                outbox().publish(tx, ORDERS, message("m-" + i, "k"));
              }
              return null;
            });
    startRelay();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport().confirmed())
        .isEqualTo(IntStream.range(0, 400).mapToObj(i -> "m-" + i).toList());
  }

  @Test
  default void failuresOfTheDatabaseShowNeitherBodyNorHeaderNorKey() {
    String secret = "hunter2";
    String hex = HexFormat.of().formatHex(secret.getBytes(StandardCharsets.UTF_8));
    for (String table : List.of("outbox_message", "outbox_delayed")) {
      execute(
          "ALTER TABLE "
              + database().table(table)
              + " ADD CONSTRAINT planted_"
              + table
              + " CHECK (shard < 0)");
    }
    Message now =
        message("m", secret).toBuilder()
            .header("authorization", secret)
            .body(secret.getBytes(StandardCharsets.UTF_8))
            .build();
    Message later = now.toBuilder().deliverAt(Instant.now().plusSeconds(600)).build();
    List<Consumer<TransactionContext>> writes =
        List.of(
            tx -> outbox().publish(tx, ORDERS, now),
            tx -> outbox().publishAll(tx, ORDERS, List.of(now, now)),
            tx -> outbox().publish(tx, ORDERS, later),
            tx -> outbox().publishAll(tx, ORDERS, List.of(later, later)));
    for (Consumer<TransactionContext> write : writes) {
      StringWriter printed = new StringWriter();
      assertThatThrownBy(
              () ->
                  transactions()
                      .run(
                          tx -> {
                            write.accept(tx);
                            return null;
                          }))
          .isInstanceOf(StoreException.class)
          .satisfies(failure -> failure.printStackTrace(new PrintWriter(printed, true)));
      assertThat(printed.toString()).containsIgnoringCase("state ");
      assertThat(printed.toString().toLowerCase(Locale.ROOT)).doesNotContain(secret, hex);
    }
  }

  @Test
  default void publishesNothingThatRolledBack() {
    startRelay();
    transactions()
        .run(
            tx -> {
              outbox().publish(tx, ORDERS, message("gone", "k"));
              tx.setRollbackOnly();
              return null;
            });
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          outbox().publish(tx, ORDERS, message("gone-too", "k"));
                          throw new IllegalStateException("business failure");
                        }));
    write("kept", "k");
    Await.until("kept published", () -> transport().ids().contains("kept"));
    assertThat(transport().ids()).containsExactly("kept");
  }

  @Test
  default void takesPartInACallersOwnTransaction() throws SQLException {
    startRelay();
    try (Connection connection = dataSource().getConnection()) {
      connection.setAutoCommit(false);
      outbox().publish(JdbcTransactions.join(connection, database()), ORDERS, message("m1", "k"));
      connection.commit();
      outbox().wake();
      connection.setAutoCommit(true);
    }
    Await.until("m1 published", () -> transport().ids().contains("m1"));
  }

  @Test
  default void refusesAConnectionInAutoCommitMode() throws SQLException {
    try (Connection connection = dataSource().getConnection()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> JdbcTransactions.join(connection, database()))
          .withMessageContaining("COMMS-JDBC-006: autoCommit: true (expected: false");
    }
  }

  @Test
  default void writesNothingOnAConnectionThatWentBackToAutoCommit() throws SQLException {
    try (Connection connection = dataSource().getConnection()) {
      connection.setAutoCommit(false);
      TransactionContext tx = JdbcTransactions.join(connection, database());
      connection.setAutoCommit(true);
      assertThatIllegalStateException()
          .isThrownBy(() -> outbox().publish(tx, ORDERS, message("m1", "k")))
          .withMessageContaining("COMMS-JDBC-006: autoCommit: true (expected: false");
    }
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  default void findsARowThatCommitsLateBelowABacklogAlreadyRead() throws Exception {
    configure(quick().batchSize(20).maxUnconfirmed(40));
    startRelay();
    try (Connection late = dataSource().getConnection()) {
      late.setAutoCommit(false);
      outbox().publish(JdbcTransactions.join(late, database()), ORDERS, message("late", "k0"));
      transactions()
          .run(
              tx -> {
                outbox()
                    .publishAll(
                        tx,
                        ORDERS,
                        IntStream.rangeClosed(1, 300)
                            .mapToObj(i -> message("m" + i, "k" + i))
                            .toList());
                return null;
              });
      Await.until("backlog published", () -> transport().confirmed().size() == 300);
      late.commit();
      late.setAutoCommit(true);
    }
    outbox().wake();
    Await.until("late one published", () -> transport().confirmed().contains("late"));
    assertThat(transport().confirmed()).as("each once").hasSize(301);
  }

  @Test
  default void refusesATransactionOfAnotherDatabase() {
    try (HikariDataSource pool = ownPool()) {
      JdbcDatabase other = JdbcDatabase.builder(pool).build();
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  JdbcTransactionRunner.create(other)
                      .run(
                          tx -> {
                            outbox().publish(tx, ORDERS, message("m", "k"));
                            return null;
                          }))
          .withMessageStartingWith("transaction:");
    }
  }

  @Test
  default void refusesABodyOverTheLimitBeforeStoringIt() {
    configure(quick().maxMessageBytes(1024));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          outbox()
                              .publish(
                                  tx, ORDERS, Message.builder("t").body(new byte[1025]).build());
                          return null;
                        }))
        .withMessage("message bytes: 1025 (expected: 0..1024, maxMessageBytes of OutboxConfig)");
  }

  @Test
  default void refusesAnEventThatCantBePublishedAsItWasReceived() {
    configure(quick());
    Map<String, String> headers =
        Map.of("ce_specversion", "1.0", "ce_id", "x".repeat(200), "ce_type", "t");
    Message received =
        new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX)
            .read(new ForeignRecord("k".repeat(300), headers, new byte[0]));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          outbox().publish(tx, ORDERS, received);
                          return null;
                        }))
        .withMessageStartingWith("message as it was received: id: 'xxx");
    Message followUp =
        Message.builder("next").causedBy(received).key(received.key().orElseThrow()).build();
    transactions()
        .run(
            tx -> {
              outbox().publish(tx, ORDERS, received.toBuilder().id("short").build());
              outbox().publish(tx, ORDERS, followUp);
              return null;
            });
  }

  @Test
  default void findsRowsThatCommitLateWhereAReaderByGreaterIdLosesThem() throws Exception {
    NaiveReader naive = new NaiveReader(fixture());
    try (Connection late = dataSource().getConnection()) {
      late.setAutoCommit(false);
      outbox().publish(JdbcTransactions.join(late, database()), ORDERS, message("late", "k1"));
      write("early", "k2");
      naive.read();
      late.commit();
      late.setAutoCommit(true);
    }
    naive.read();
    assertThat(naive.seen).as("the naive reader loses").containsExactly("early");
    startRelay();
    Await.until(
        "both published", () -> transport().confirmed().containsAll(List.of("early", "late")));
  }

  @Test
  default void keepsADelayedMessageUntilItIsDue() {
    startRelay();
    Instant due = Instant.now().plusMillis(700);
    transactions()
        .run(
            tx -> {
              outbox()
                  .publish(tx, ORDERS, message("later", "k").toBuilder().deliverAt(due).build());
              return null;
            });
    write("now", "k2");
    Await.until("now published", () -> transport().ids().contains("now"));
    Await.until("later published", () -> transport().ids().contains("later"));
    assertThat(Instant.now()).isAfterOrEqualTo(due);
    assertThat(transport().message("later").deliverAt()).isEmpty();
  }

  @Test
  default void drainPublishesTheWholeBacklog() {
    for (int i = 0; i < 500; i++) {
      write("m" + i, "k" + i % 50);
    }
    OutboxRelay relay = startRelay();
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(rows("outbox_message")).isZero();
    assertThat(new HashSet<>(transport().ids())).hasSize(500);
  }

  @Test
  default void losesNothingWithManyWritersThatCommitLate() throws Exception {
    startRelay();
    int writers = 8;
    ExecutorService pool = Executors.newFixedThreadPool(writers);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int writer = 0; writer < writers; writer++) {
        String key = "w" + writer;
        SplittableRandom dice = new SplittableRandom(writer);
        all.add(pool.submit(() -> writeSlowly(key, 40, dice)));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      pool.shutdownNow();
    }
    Await.until("all published", () -> new HashSet<>(transport().confirmed()).size() == 320);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void aMessageThatCommitsLateIsNotOvertakenByTheNextOfItsKey() throws Exception {
    forgetShards();
    configure(quick().shards(1));
    transport().holdWhen(message -> message.id().equals("held-1"));
    write("held-1", "held");
    startRelay();
    AtomicBoolean enough = new AtomicBoolean();
    ExecutorService pool = Executors.newSingleThreadExecutor();
    try {
      // With rows in memory and many to read, a relay could wrongly skip the start of a shard.
      Future<?> others =
          pool.submit(
              () -> {
                for (int i = 1; !enough.get(); i++) {
                  write("other" + i + "-1", "other" + i);
                }
              });
      for (int i = 1; i < 100; i += 2) {
        writeLate("k-" + i, "k");
        write("k-" + (i + 1), "k");
      }
      enough.set(true);
      others.get();
    } finally {
      enough.set(true);
      pool.shutdownNow();
    }
    Await.until("all published", () -> transport().confirmed().contains("k-100"));
    assertFirstPublicationsInOrder();
  }

  /** Commits only after the relay has published messages that were written later. */
  private void writeLate(String id, String key) throws SQLException {
    try (Connection late = dataSource().getConnection()) {
      late.setAutoCommit(false);
      outbox().publish(JdbcTransactions.join(late, database()), ORDERS, message(id, key));
      int before = transport().confirmed().size();
      Await.until("others published", () -> transport().confirmed().size() > before + 2);
      late.commit();
      late.setAutoCommit(true);
    }
  }

  /** Writes messages in one transaction after the other. Each stays open after its insert. */
  private void writeSlowly(String key, int messages, SplittableRandom dice) {
    for (int i = 1; i <= messages; i++) {
      String id = key + "-" + i;
      transactions()
          .run(
              tx -> {
                outbox().publish(tx, ORDERS, message(id, key));
                LockSupport.parkNanos(dice.nextInt(5_000_000));
                return null;
              });
    }
  }

  @Test
  default void writesMoreThanAServerAcceptsInOneStatement() {
    startRelay();
    List<Message> messages = new ArrayList<>();
    for (int number = 1; number <= 700; number++) {
      Message.Builder message = message("k-" + number, "k").toBuilder();
      for (int header = 0; header < 6; header++) {
        message.header("h" + header, "v".repeat(4_000));
      }
      messages.add(message.build());
    }
    transactions()
        .run(
            tx -> {
              outbox().publishAll(tx, ORDERS, messages);
              return null;
            });
    Await.until("all published", () -> transport().confirmed().size() == 700);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void aSwallowedFailureRollsBackAndIsThrown() {
    execute("DROP TABLE " + database().table("outbox_message"));
    execute("CREATE TABLE " + database().table("work") + " (id int PRIMARY KEY)");
    assertThatThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          SqlStatement.of(database(), "INSERT INTO @work VALUES (1)")
                              .update(tx.unwrap(Connection.class));
                          try {
                            outbox().publish(tx, ORDERS, message("m1", "k"));
                          } catch (StoreException swallowed) {
                            assertThat(swallowed.kind()).isEqualTo(FailureKind.TRANSIENT);
                          }
                          return "done";
                        }))
        .isInstanceOf(StoreException.class)
        .hasMessageStartingWith("COMMS-JDBC-010: outbox tables: missing");
    assertThat(rows("work")).isZero();
  }

  @Test
  default void keepsTheOrderOfSeveralMessagesWrittenTogether() {
    startRelay();
    List<Message> messages =
        IntStream.range(0, 1_500)
            .mapToObj(i -> message("k" + i % 100 + "-" + (i / 100 + 1), "k" + i % 100))
            .toList();
    transactions()
        .run(
            tx -> {
              outbox().publishAll(tx, ORDERS, messages);
              return null;
            });
    Await.until("all published", () -> transport().confirmed().size() == 1_500);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void roundTripsEveryFieldOfAMessage() {
    Message whole =
        Message.builder("order.placed")
            .id("id-1")
            .version(3)
            .source("orders/eu")
            .key("caf\u00e9 \ud83d\ude00")
            .subject("order 7: new")
            .time(Instant.parse("2026-05-04T03:02:01Z"))
            .contentType("application/json")
            .body(new byte[] {0, 1, (byte) 0xff})
            .header("empty", "")
            .header("colons", "a:b:c")
            .correlationId("c-1")
            .causationId("c-2")
            .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .tracestate("vendor=1, other=2")
            .expiry(Instant.parse("2027-05-04T03:02:01Z"))
            .idempotencyKey("once")
            .build();
    startRelay();
    transactions()
        .run(
            tx -> {
              outbox().publish(tx, ORDERS, whole);
              return null;
            });
    Await.until("published", () -> transport().ids().contains("id-1"));
    assertThat(transport().message("id-1").toBuilder().build())
        .usingRecursiveComparison()
        .isEqualTo(whole);
  }

  @Test
  default void wakesTheRelayImmediatelyAfterACommitAlsoWithTwoOfThem() {
    configure(quick().pollInterval(Duration.ofMinutes(1)).leaseTime(Duration.ofMinutes(4)));
    OutboxRelay first = startRelay();
    OutboxRelay second = startRelay();
    Await.until(
        "both own shards",
        () -> detail(first, "ownedShards") == 4 && detail(second, "ownedShards") == 4);
    writeInTurn(60, 20);
    Await.until("all published without a poll", () -> transport().confirmed().size() == 60);
  }

  @Test
  default void promotesMoreDelayedMessagesThanABatch() {
    configure(quick().batchSize(10));
    Instant due = Instant.now().minusSeconds(1);
    transactions()
        .run(
            tx -> {
              for (int i = 0; i < 65; i++) {
                outbox()
                    .publish(tx, ORDERS, message("d" + i, "k").toBuilder().deliverAt(due).build());
              }
              return null;
            });
    startRelay();
    Await.until("all published", () -> transport().confirmed().size() == 65);
    assertThat(rows("outbox_delayed")).isZero();
  }

  @Test
  default void noFetchOfLargeMessagesBringsMoreBytesThanTheBudgetAllows() {
    byte[] body = new byte[512 * 1024];
    int messages = (int) (RelayFetchBudget.MAX_BYTES / body.length * 9 / 8);
    transactions()
        .run(
            tx -> {
              for (int i = 0; i < messages; i++) {
                outbox()
                    .publish(tx, ORDERS, message("m" + i, "k" + i).toBuilder().body(body).build());
              }
              return null;
            });
    ByteCountingDataSource counted = new ByteCountingDataSource();
    fixture().database = JdbcDatabase.builder(counted.over(dataSource())).schema(schema()).build();
    configure(quick());
    OutboxRelay relay = startRelay();
    assertThat(relay.drain(Duration.ofSeconds(60))).isTrue();
    assertThat(transport().confirmed()).hasSize(messages);
    assertThat(counted.all()).isGreaterThanOrEqualTo((long) messages * body.length);
    assertThat(counted.most()).isLessThanOrEqualTo(RelayFetchBudget.MAX_BYTES);
  }

  @Test
  default void drainLeavesNothingBehindASmallWindow() {
    configure(quick().batchSize(1).maxUnconfirmed(1));
    writeInTurn(60, 60);
    OutboxRelay relay = startRelay();
    assertThat(relay.drain(Duration.ofSeconds(60))).isTrue();
    assertThat(rows("outbox_message")).isZero();
  }

  @Test
  default void drainWaitsForAttemptsToComeButNotForever() {
    AtomicInteger left = new AtomicInteger(3);
    transport()
        .failWhen(
            (to, message) ->
                message.id().equals("slow") && left.getAndDecrement() > 0
                    ? FailureKind.PERMANENT
                    : null);
    OutboxRelay relay = startRelay();
    write("slow", "k");
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(transport().confirmed()).containsExactly("slow");
  }

  @Test
  default void drainEndsAtItsTimeoutWhenADestinationIsUnreachable() {
    transport().failWhen((to, message) -> FailureKind.TRANSIENT);
    OutboxRelay relay = startRelay();
    write("m", "k");
    Await.until("tried", () -> !transport().ids().isEmpty());
    assertThat(relay.drain(Duration.ofMillis(200))).isFalse();
    assertThat(rows("outbox_message")).isEqualTo(1);
  }

  @Test
  default void healthReportsAgeBacklogAndParkedRows() {
    configure(quick().attempts(1));
    transport()
        .failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    write("bad", "k");
    write("behind-1", "k");
    write("behind-2", "k");
    execute(
        "UPDATE "
            + database().table("outbox_message")
            + " SET created_at = TIMESTAMP '2020-01-01 00:00:00'");
    OutboxRelay relay = startRelay();
    Await.until("parked", () -> rows("outbox_parked") == 1);
    Await.until("health counts it", () -> detail(relay, "parked") == 1);
    assertThat(detail(relay, "backlog")).isEqualTo(2);
    assertThat(Long.parseLong(relay.health().details().get("oldestAgeMillis")))
        .isGreaterThan(Duration.ofDays(1_000).toMillis());
    assertThat(detail(relay, "unownedShards")).isZero();
    assertThat(relay.health().status()).isEqualTo(Health.Status.UP);
    relay.close();
    assertThat(relay.health().status()).isEqualTo(Health.Status.DOWN);
  }

  /** A reader as many outboxes have it: it remembers the greatest id it has seen. It loses rows. */
  final class NaiveReader {
    final List<String> seen = new ArrayList<>();
    private final OutboxFixture fixture;
    private long greatest;

    NaiveReader(OutboxFixture fixture) {
      this.fixture = fixture;
    }

    void read() throws SQLException {
      try (Connection connection = fixture.dataSource().getConnection();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT id, headers FROM "
                      + fixture.database.table("outbox_message")
                      + " WHERE id > "
                      + greatest
                      + " ORDER BY id")) {
        while (row.next()) {
          greatest = row.getLong(1);
          seen.add(row.getString(2).contains("ce_id:late\n") ? "late" : "early");
        }
      }
    }
  }
}
