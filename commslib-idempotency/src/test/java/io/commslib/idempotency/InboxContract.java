package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract of inboxes; run on each store. */
public abstract class InboxContract {

  static final Duration RETENTION = Duration.ofDays(30);
  private static final String CONSUMER = "topic:orders/payment";
  private static final Duration LONG = Duration.ofSeconds(20);

  private final ExecutorService others = Executors.newCachedThreadPool();

  /** Creates a contract. */
  protected InboxContract() {}

  /**
   * Returns the transactions of the store's database.
   *
   * @return the runner
   */
  protected abstract TransactionRunner transactions();

  /**
   * Returns transactions of another database of the same kind.
   *
   * @return the runner
   */
  protected abstract TransactionRunner foreignTransactions();

  /**
   * Creates an inbox on the test's own empty store, with a retention of 30 days and purging in
   * batches of 10.
   *
   * @param lockTimeout the maximum wait of a duplicate
   * @return new inbox
   */
  protected abstract Inbox inbox(Duration lockTimeout);

  /**
   * Returns the pattern of the failure of a duplicate that has waited for its whole timeout of 300
   * ms.
   *
   * @return the pattern; by default that of a store in a database
   */
  protected String waitedTooLong() {
    return "COMMS-JDBC-002: inbox: conflict with another transaction, state \\w+";
  }

  /**
   * Makes all entries older.
   *
   * @param by how much
   */
  protected abstract void age(Duration by);

  @AfterEach
  void stopOthers() {
    others.shutdownNow();
  }

  @Test
  void entersANewMessageAndRefusesItAfterTheCommit() {
    Inbox inbox = inbox(LONG);
    assertThat(enter(inbox, CONSUMER, message("m1"))).isTrue();
    assertThat(enter(inbox, CONSUMER, message("m1"))).isFalse();
    assertThat(enter(inbox, CONSUMER, message("m2"))).isTrue();
  }

  /** In any locale of the database. */
  @Test
  void distinguishesIdsByTheirBytes() {
    Inbox inbox = inbox(LONG);
    List<String> ids = List.of("m1", "M1", "m-1", "m1-", "m_1", "m.1", "m%1", "m01");
    for (String id : ids) {
      assertThat(enter(inbox, CONSUMER, message(id))).as("first <%s>", id).isTrue();
    }
    for (String id : ids) {
      assertThat(enter(inbox, CONSUMER, message(id))).as("again <%s>", id).isFalse();
    }
    boolean[] batch =
        transactions()
            .run(
                tx ->
                    inbox.enterAll(
                        tx, CONSUMER + "2", ids.stream().map(InboxContract::message).toList()));
    assertThat(batch).containsOnly(true);
  }

  /** The attributes that decide whether two messages are the same. */
  @Test
  void distinguishesMessagesBySourceAndIdOrByTheIdempotencyKey() {
    String emoji = "\uD83D\uDE00".repeat(128);
    List<Message> different =
        List.of(
            message("m1"),
            message("m1").toBuilder().source("/orders").build(),
            message("m1").toBuilder().source("/orders ").build(),
            message("m1").toBuilder().source("/Orders").build(),
            message("m1").toBuilder().source("/ORDERS").build(),
            message("m1").toBuilder().source(emoji).build(),
            message("x".repeat(128)).toBuilder().source("s".repeat(256)).build(),
            message("x".repeat(128)).toBuilder().source("s".repeat(255)).build(),
            message("m2").toBuilder().idempotencyKey("m1").build(),
            message("m2").toBuilder().idempotencyKey("sha256:" + "0".repeat(64)).build(),
            message("m2").toBuilder().idempotencyKey("k".repeat(128)).build());
    Inbox inbox = inbox(LONG);
    for (Message message : different) {
      assertThat(enter(inbox, CONSUMER, message)).as("first " + message.inboxKey()).isTrue();
    }
    for (Message message : different) {
      assertThat(enter(inbox, CONSUMER, message)).as("again " + message.inboxKey()).isFalse();
    }
    boolean[] batch = transactions().run(tx -> inbox.enterAll(tx, CONSUMER + "2", different));
    assertThat(batch).containsOnly(true);
    Message sameKey = message("m3").toBuilder().source("/b").idempotencyKey("m1").build();
    assertThat(enter(inbox, CONSUMER, sameKey)).as("the same key from any source").isFalse();
  }

  /** Events of other programs, whose ids and sources have no bounds but those of a record. */
  @Test
  void everyIdAndSourceOfAReceivedEventFitsTheTable() {
    List<Message> different = new ArrayList<>();
    for (String id :
        List.of(
            "x".repeat(200),
            "x".repeat(201),
            "x".repeat(60_000),
            "bestellung-\u00e4",
            "bestellung-\u00c4",
            "order 17",
            "order 17 ",
            "\uD83D\uDE00",
            "sha256:" + "0".repeat(64))) {
      different.add(received(id, "/orders"));
      different.add(received(id, "/gr\u00f6\u00dfe/\u6f22\u5b57"));
      different.add(received(id, "s".repeat(60_000)));
      different.add(received(id, "\uD83D\uDE00".repeat(200)));
    }
    Inbox inbox = inbox(LONG);
    for (Message message : different) {
      assertThat(enter(inbox, CONSUMER, message)).as("first " + message.inboxKey()).isTrue();
    }
    for (Message message : different) {
      assertThat(enter(inbox, CONSUMER, message)).as("again " + message.inboxKey()).isFalse();
    }
    boolean[] batch = transactions().run(tx -> inbox.enterAll(tx, CONSUMER + "2", different));
    assertThat(batch).containsOnly(true);
  }

  private static Message received(String id, String source) {
    Map<String, String> headers =
        Map.of("ce_specversion", "1.0", "ce_id", id, "ce_type", "t", "ce_source", source);
    return new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX)
        .read(new ForeignRecord(null, headers, new byte[0]));
  }

  @Test
  void keepsConsumersApart() {
    Inbox inbox = inbox(LONG);
    assertThat(enter(inbox, CONSUMER, message("m1"))).isTrue();
    assertThat(enter(inbox, "topic:orders/shipping", message("m1"))).isTrue();
  }

  @Test
  void prefersTheIdempotencyKey() {
    Inbox inbox = inbox(LONG);
    Message first = Message.builder("t").id("m1").idempotencyKey("once").build();
    Message second = Message.builder("t").id("m2").idempotencyKey("once").build();
    assertThat(enter(inbox, CONSUMER, first)).isTrue();
    assertThat(enter(inbox, CONSUMER, second)).isFalse();
  }

  @Test
  void forgetsEntriesThatRolledBack() {
    Inbox inbox = inbox(LONG);
    transactions()
        .run(
            tx -> {
              assertThat(inbox.enter(tx, CONSUMER, message("marked"))).isTrue();
              tx.setRollbackOnly();
              return null;
            });
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                transactions()
                    .run(
                        tx -> {
                          inbox.enter(tx, CONSUMER, message("thrown"));
                          throw new IllegalStateException("handler failure");
                        }));
    assertThat(enter(inbox, CONSUMER, message("marked"))).isTrue();
    assertThat(enter(inbox, CONSUMER, message("thrown"))).isTrue();
  }

  @Test
  void aDuplicateDoesNotBreakTheTransaction() {
    Inbox inbox = inbox(LONG);
    enter(inbox, CONSUMER, message("m1"));
    transactions()
        .run(
            tx -> {
              assertThat(inbox.enter(tx, CONSUMER, message("m1"))).isFalse();
              assertThat(inbox.enter(tx, CONSUMER, message("m2"))).isTrue();
              assertThat(inbox.enter(tx, CONSUMER, message("m2")))
                  .as("twice in one transaction")
                  .isFalse();
              return null;
            });
    assertThat(enter(inbox, CONSUMER, message("m2"))).as("the transaction committed").isFalse();
  }

  @Test
  void aConcurrentDuplicateWaitsAndIsRefusedWhenTheFirstCommits() throws Exception {
    assertThat(concurrentDuplicate(false)).isFalse();
  }

  @Test
  void aConcurrentDuplicateWaitsAndEntersWhenTheFirstRollsBack() throws Exception {
    assertThat(concurrentDuplicate(true)).isTrue();
  }

  /** Returns the answer to the second of two concurrent transactions. */
  private boolean concurrentDuplicate(boolean firstRollsBack) throws Exception {
    Inbox inbox = inbox(LONG);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Future<?> first = others.submit(() -> hold(inbox, entered, finish, firstRollsBack));
    assertThat(entered.await(10, TimeUnit.SECONDS)).isTrue();
    Future<Boolean> second = others.submit(() -> enter(inbox, CONSUMER, message("m1")));
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(second.isDone()).as("waits for the outcome").isFalse();
    finish.countDown();
    first.get(10, TimeUnit.SECONDS);
    return second.get(10, TimeUnit.SECONDS);
  }

  private Void hold(Inbox inbox, CountDownLatch entered, CountDownLatch finish, boolean rollBack) {
    return transactions()
        .run(
            tx -> {
              assertThat(inbox.enter(tx, CONSUMER, message("m1"))).isTrue();
              entered.countDown();
              Await.until("may finish", () -> finish.getCount() == 0);
              if (rollBack) {
                tx.setRollbackOnly();
              }
              return null;
            });
  }

  @Test
  void aDuplicateWaitsNoLongerThanItsTimeout() throws Exception {
    Inbox inbox = inbox(Duration.ofMillis(300));
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Future<?> first = others.submit(() -> hold(inbox, entered, finish, false));
    assertThat(entered.await(10, TimeUnit.SECONDS)).isTrue();
    long before = System.nanoTime();
    assertThatThrownBy(() -> enter(inbox, CONSUMER, message("m1")))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION))
        .hasMessageMatching(waitedTooLong());
    assertThat(Duration.ofNanos(System.nanoTime() - before))
        .isBetween(Duration.ofMillis(250), Duration.ofSeconds(5));
    finish.countDown();
    first.get(10, TimeUnit.SECONDS);
  }

  @Test
  void manyThreadsMakeOneEffectPerMessage() throws Exception {
    Inbox inbox = inbox(LONG);
    AtomicInteger effects = new AtomicInteger();
    List<Future<?>> all = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      int seed = thread;
      all.add(
          others.submit(
              () -> {
                for (int i = 0; i < 50; i++) {
                  Message message = message("m" + (i * 7 + seed) % 50);
                  boolean fails = (i + seed) % 5 == 0;
                  untilHandled(() -> handle(inbox, message, effects, fails));
                }
              }));
    }
    for (Future<?> one : all) {
      one.get(60, TimeUnit.SECONDS);
    }
    AtomicInteger left = new AtomicInteger();
    for (int i = 0; i < 50; i++) {
      handle(inbox, message("m" + i), left, false);
    }
    assertThat(effects.get() + left.get()).isEqualTo(50);
  }

  /** Repeats the whole transaction after contention, as the engine does. */
  private static void untilHandled(Runnable work) {
    while (true) {
      try {
        work.run();
        return;
      } catch (StoreException e) {
        assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION);
      }
    }
  }

  private void handle(Inbox inbox, Message message, AtomicInteger effects, boolean fails) {
    transactions()
        .run(
            tx -> {
              if (inbox.enter(tx, CONSUMER, message)) {
                tx.afterCommit(effects::incrementAndGet);
              }
              if (fails) {
                tx.setRollbackOnly();
              }
              return null;
            });
  }

  @Test
  void aBatchReportsWhichMessagesAreNew() {
    Inbox inbox = inbox(LONG);
    enter(inbox, CONSUMER, message("m2"));
    assertThat(enterAll(inbox, "m3", "m2", "m1", "m3"))
        .as("in the order of the batch; a repetition inside it is not new")
        .containsExactly(true, false, true, false);
    assertThat(enterAll(inbox, "m1", "m4", "m2")).containsExactly(false, true, false);
    assertThat(enterAll(inbox, "m1", "m2", "m3", "m4")).containsExactly(false, false, false, false);
    assertThat(enterAll(inbox)).isEmpty();
    assertThat(enter(inbox, "topic:orders/shipping", message("m1"))).isTrue();
  }

  @Test
  void aBatchRollsBackAsOne() {
    Inbox inbox = inbox(LONG);
    transactions()
        .run(
            tx -> {
              assertThat(inbox.enterAll(tx, CONSUMER, List.of(message("m1"), message("m2"))))
                  .containsExactly(true, true);
              tx.setRollbackOnly();
              return null;
            });
    assertThat(enterAll(inbox, "m1", "m2")).containsExactly(true, true);
  }

  @Test
  void aBatchAcceptsAThousandMessages() {
    Inbox inbox = inbox(LONG);
    String[] ids = new String[1_000];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = "m" + (i * 7) % 1_000;
    }
    assertThat(enterAll(inbox, ids)).doesNotContain(false).hasSize(1_000);
    assertThat(enterAll(inbox, ids)).doesNotContain(true).hasSize(1_000);
  }

  @Test
  void concurrentBatchesOfTheSameMessagesInAnyOrderMakeOneEffectEach() throws Exception {
    Inbox inbox = inbox(LONG);
    int messages = 40;
    AtomicInteger effects = new AtomicInteger();
    List<Future<?>> all = new ArrayList<>();
    for (int thread = 0; thread < 6; thread++) {
      int seed = thread;
      all.add(
          others.submit(
              () -> {
                for (int round = 0; round < messages; round += 8) {
                  String[] ids = new String[8];
                  for (int i = 0; i < ids.length; i++) {
                    ids[i] = "m" + (round + (seed % 2 == 0 ? i : 7 - i));
                  }
                  for (boolean one : enterAll(inbox, ids)) {
                    effects.addAndGet(one ? 1 : 0);
                  }
                }
              }));
    }
    for (Future<?> one : all) {
      one.get(60, TimeUnit.SECONDS);
    }
    assertThat(effects).hasValue(messages);
  }

  @Test
  void acceptsIdsThatResembleSql() {
    Inbox inbox = inbox(LONG);
    for (String id :
        List.of("x';--", "\"", "');DELETE/**/FROM/**/inbox;--", "{a,b}", "\\", "NULL")) {
      assertThat(enter(inbox, CONSUMER, message(id))).as(id).isTrue();
      assertThat(enter(inbox, CONSUMER, message(id))).as(id).isFalse();
      assertThat(enterAll(inbox, id, id + "2")).as(id).containsExactly(false, true);
    }
  }

  @Test
  void everyValidIdFitsTheTable() {
    for (String id : List.of("i".repeat(1_000_000), "a\nb", "a b", "", "\u0000", "\u00fc")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("t").idempotencyKey(id))
          .withMessageEndingWith("(expected: 1..128 printable ASCII characters)")
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(200));
      assertThatIllegalArgumentException().isThrownBy(() -> message(id));
    }
  }

  @Test
  void purgesOnlyEntriesOlderThanTheRetention() {
    Inbox inbox = inbox(LONG);
    for (int i = 0; i < 25; i++) {
      enter(inbox, CONSUMER, message("old-" + i));
    }
    age(RETENTION.minusHours(1));
    assertThat(inbox.purge()).isZero();
    enter(inbox, CONSUMER, message("young"));
    age(Duration.ofHours(2));
    assertThat(inbox.purge()).as("more than a batch").isEqualTo(25);
    assertThat(inbox.purge()).isZero();
    assertThat(enter(inbox, CONSUMER, message("young"))).isFalse();
    assertThat(enter(inbox, CONSUMER, message("old-1"))).isTrue();
    assertThat(inbox.retention()).isEqualTo(RETENTION);
  }

  @Test
  void refusesATransactionOfAnotherDatabase() {
    Inbox inbox = inbox(LONG);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> foreignTransactions().run(tx -> inbox.enter(tx, CONSUMER, message("m1"))))
        .withMessageStartingWith("transaction:");
    assertThat(inbox.database()).isEqualTo(transactions().database());
  }

  @Test
  void acceptsTheLongestNames() {
    Inbox inbox = inbox(LONG);
    String consumer = "queue:" + "d".repeat(150) + "/" + "g".repeat(60);
    Message message = message("i".repeat(128));
    assertThat(enter(inbox, consumer, message)).isTrue();
    assertThat(enter(inbox, consumer, message)).isFalse();
  }

  boolean enter(Inbox inbox, String consumer, Message message) {
    return transactions().run(tx -> inbox.enter(tx, consumer, message));
  }

  boolean[] enterAll(Inbox inbox, String... ids) {
    List<Message> messages = Stream.of(ids).map(InboxContract::message).toList();
    return transactions().run(tx -> inbox.enterAll(tx, CONSUMER, messages));
  }

  static Message message(String id) {
    return Message.builder("t").id(id).build();
  }
}
