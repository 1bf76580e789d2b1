package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.ORDERS;
import static io.commslib.outbox.OutboxFixture.detail;
import static io.commslib.outbox.OutboxFixture.message;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.testkit.Await;
import io.commslib.testkit.ForwardingRuntime;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Shard ownership of several relays, and the effects of crashes and pauses. */
interface OutboxOwnershipContract extends OutboxChapter {

  @Test
  default void twoRelaysShareTheShardsAndLoseNothing() {
    OutboxRelay first = startRelay();
    OutboxRelay second = startRelay();
    Await.until(
        "both own shards",
        () -> detail(first, "ownedShards") == 4 && detail(second, "ownedShards") == 4);
    writeInTurn(300, 20);
    Await.until("all published", () -> new HashSet<>(transport().ids()).size() == 300);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void anotherRelayTakesOverTheRowsOfACrashedOne() {
    transport().holdWhen(message -> true);
    try (HikariDataSource lost = ownPool()) {
      JdbcDatabase same = JdbcDatabase.builder(lost).schema(schema()).build();
      OutboxRelay crashed =
          OutboxRelay.create(JdbcOutbox.create(same, config()), transport(), runtime());
      relays().add(crashed);
      crashed.start();
      write("m1", "k");
      Await.until("m1 published, unconfirmed", () -> transport().ids().contains("m1"));
    }
    // Without connections the first relay can neither delete rows nor renew or release leases, as
    // if
    // its process had crashed.
    transport().releaseHeld();
    startRelay();
    Await.until("m1 published again", () -> transport().confirmed().contains("m1"));
    Await.until("row gone", () -> rows("outbox_message") == 0);
  }

  @Test
  default void aRelayPausedPastItsLeaseNoLongerDecides() throws SQLException {
    ShardLeases old = new ShardLeases(database(), config(), runtime().time(), "old");
    try (Connection connection = dataSource().getConnection()) {
      old.prepare(connection);
      old.install(old.tick(connection));
      ShardOwnership paused = old.current();
      assertThat(paused.epochs()).hasSize(8);
      assertThat(old.fence(connection, paused, 3)).isTrue();
      expireLeases(connection);
      ShardLeases young = new ShardLeases(database(), config(), runtime().time(), "young");
      young.install(young.tick(connection));
      assertThat(young.current().owns(3)).isTrue();
      assertThat(old.fence(connection, paused, 3)).isFalse();
      assertThat(young.fence(connection, young.current(), 3)).isTrue();
      old.compareEpochs(connection, paused);
      assertThat(old.current().owns(4)).isFalse();
    }
  }

  @Test
  default void refusesToStartWithoutItsTablesOrWithAnotherShardCount() {
    JdbcDatabase own = JdbcDatabase.builder(dataSource()).schema(schema()).build();
    OutboxRelay relay =
        OutboxRelay.create(JdbcOutbox.create(own, config()), transport(), runtime());
    // An operator changed the number of shards and did not stop this process.
    forgetShards();
    configure(quick().shards(16));
    assertThatThrownBy(relay::start)
        .isInstanceOf(StoreException.class)
        .hasMessage("COMMS-OUTBOX-001: shards: 8 (expected: 16, with which the tables were made)");
    execute("DROP TABLE " + database().table("commslib_schema"));
    assertThatThrownBy(relay::start)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("COMMS-JDBC-010")
        .hasMessageContaining("SchemaScripts.apply");
    relay.close();
  }

  private void expireLeases(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE "
              + database().table("outbox_shard")
              + " SET lease_until = TIMESTAMP '2020-01-01 00:00:00'");
      statement.executeUpdate("DELETE FROM " + database().table("outbox_node"));
    }
  }

  @Test
  default void publishesAgainWhatACrashLeftConfirmedButNotDeleted() {
    try (HikariDataSource pool = ownPool()) {
      PausableDataSource cable = new PausableDataSource(pool);
      RecordingTransport first = new RecordingTransport();
      first.onConfirm(id -> cable.pause(true));
      JdbcDatabase same = JdbcDatabase.builder(cable).schema(schema()).build();
      OutboxRelay crashed = OutboxRelay.create(JdbcOutbox.create(same, config()), first, runtime());
      relays().add(crashed);
      crashed.start();
      write("m1", "k");
      Await.until("m1 confirmed", () -> first.confirmed().contains("m1"));
      startRelay();
      Await.until("m1 published again", () -> transport().confirmed().contains("m1"));
      Await.until("row gone", () -> rows("outbox_message") == 0);
    }
  }

  @Test
  default void aRelayThatResumesAfterAPauseParksNothing() {
    configure(quick().attempts(1));
    try (HikariDataSource pool = ownPool()) {
      PausableDataSource cable = new PausableDataSource(pool);
      RecordingTransport slow = new RecordingTransport();
      slow.holdWhen(message -> true);
      JdbcDatabase same = JdbcDatabase.builder(cable).schema(schema()).build();
      OutboxRelay paused = OutboxRelay.create(JdbcOutbox.create(same, config()), slow, runtime());
      relays().add(paused);
      paused.start();
      write("m1", "k");
      Await.until("m1 published, unconfirmed", () -> slow.ids().contains("m1"));
      cable.pause(true);
      transport().holdWhen(message -> true);
      startRelay();
      Await.until("m1 taken over", () -> transport().ids().contains("m1"));
      slow.failHeld("m1", FailureKind.PERMANENT);
      cable.pause(false);
      write("m2", "k");
      Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
      assertThat(rows("outbox_parked")).as("decided by a relay that had lost the shard").isZero();
      assertThat(rows("outbox_retry")).isZero();
      transport().releaseHeld();
      Await.until("both published", () -> rows("outbox_message") == 0);
      assertThat(transport().confirmed()).containsExactly("m1", "m2");
      relays().forEach(OutboxRelay::close);
    }
  }

  @Test
  default void aNewOwnerKeepsBlockedWhatTheOldOneBlocked() {
    configure(quick().attempts(1));
    transport()
        .failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    OutboxRelay first = startRelay();
    OutboxRelay second = startRelay();
    Await.until(
        "both own shards",
        () -> detail(first, "ownedShards") == 4 && detail(second, "ownedShards") == 4);
    for (int key = 0; key < 20; key++) {
      write("before-" + key, "k" + key);
    }
    Await.until("all published", () -> rows("outbox_message") == 0);
    write("bad", "k");
    Await.until("parked", () -> rows("outbox_parked") == 1);
    first.close();
    for (int i = 0; i < 10; i++) {
      write("behind-" + i, "k");
    }
    Await.until("one owns all", () -> detail(second, "ownedShards") == 8);
    second.close();
    OutboxRelay third = startRelay();
    for (int key = 0; key < 20; key++) {
      write("after-" + key, "k" + (1_000 + key));
    }
    Await.until(
        "after published",
        () -> transport().confirmed().stream().filter(id -> id.startsWith("after")).count() == 20);
    assertThat(transport().confirmed()).noneMatch(id -> id.startsWith("behind"));
    OutboxAdmin admin = OutboxAdmin.create(database());
    assertThat(admin.discard(admin.parked(1).get(0).id(), "ann", "not needed")).isTrue();
    assertThat(third.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(transport().confirmed()).contains("behind-9");
  }

  @Test
  default void keepsOrderWhileRelaysComeAndGo() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    startRelay();
    Thread relaysComeAndGo =
        new Thread(
            () -> {
              for (int i = 0; i < 3 && !stop.get(); i++) {
                OutboxRelay guest = OutboxRelay.create(outbox(), transport(), runtime());
                guest.start();
                Await.until("guest owns shards", () -> detail(guest, "ownedShards") == 4);
                guest.close();
              }
              stop.set(true);
            });
    relaysComeAndGo.start();
    Map<String, Integer> written = new HashMap<>();
    int messages = 0;
    while (!stop.get()) {
      String key = "k" + messages++ % 20;
      write(key + "-" + written.merge(key, 1, Integer::sum), key);
      LockSupport.parkNanos(1_000_000);
    }
    relaysComeAndGo.join();
    int all = messages;
    Await.until("all published", () -> new HashSet<>(transport().confirmed()).size() == all);
    assertFirstPublicationsInOrder();
    assertThat(transport().confirmed()).as("a clean change of owner repeats nothing").hasSize(all);
  }

  @Test
  default void aShardChangesHandsOnlyWhenNoneOfItsRowsIsInFlight() {
    OutboxRelay first = startRelay();
    transport().holdWhen(message -> true);
    writeInTurn(200, 100);
    Await.until("some of each shard published", () -> transport().ids().size() == 100);
    OutboxRelay second = startRelay();
    // The first relay learns of the second within a third of a lease and releases within another
    // second.
    long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    Await.until("longer than that", () -> System.nanoTime() > end);
    assertThat(detail(second, "ownedShards")).isZero();
    transport().releaseHeld();
    Await.until(
        "shared", () -> detail(first, "ownedShards") == 4 && detail(second, "ownedShards") == 4);
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport().confirmed()).doesNotHaveDuplicates().hasSize(200);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void aShardChangesHandsWithoutWaitingForQueuedRows() {
    transport().holdWhen(message -> true);
    OutboxRelay first = startRelay();
    Await.until("owns all", () -> detail(first, "ownedShards") == config().shards());
    writeInTurn(200, 20);
    Await.until("all in memory", () -> detail(first, "held") == 200);
    OutboxRelay second = startRelay();
    Await.until("releases some", () -> detail(first, "held") < 200);
    transport().confirmHeld();
    Await.until("taken over", () -> detail(second, "ownedShards") == config().shards() / 2);
    transport().releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertFirstPublicationsInOrder();
  }

  @Test
  default void anOpenTransactionDoesNotStopTheRelayWhileKeysAreBlocked() throws SQLException {
    transport()
        .failWhen((to, message) -> message.id().startsWith("bad") ? FailureKind.PERMANENT : null);
    OutboxRelay relay = startRelay();
    for (int i = 0; i < 30; i++) {
      write("bad" + i, "blocked" + i);
    }
    Await.until("parked", () -> rows("outbox_parked") == 30);
    try (Connection open = dataSource().getConnection()) {
      open.setAutoCommit(false);
      outbox().publish(JdbcTransactions.join(open, database()), ORDERS, message("open", "open"));
      // Retry state is cleaned every two seconds.
      long end = System.nanoTime() + config().leaseTime().plusSeconds(2).toNanos();
      Await.until("longer than a lease", () -> System.nanoTime() > end);
      write("beside", "beside");
      Await.until("beside published", () -> transport().confirmed().contains("beside"));
      assertThat(relay.health().status()).isEqualTo(Health.Status.UP);
      open.commit();
      open.setAutoCommit(true);
    }
    Await.until(
        "the open transaction's message published", () -> transport().confirmed().contains("open"));
  }

  @Test
  default void anErrorOfTheDriverNeitherCountsAsDeletedNorEndsTheRelay() {
    AtomicInteger errors = new AtomicInteger();
    DataSource failing =
        (DataSource)
            Proxy.newProxyInstance(
                OutboxOwnershipContract.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("getConnection")
                      && Thread.currentThread().getName().endsWith("outbox-ack")
                      && errors.incrementAndGet() <= 2) {
                    throw new NoClassDefFoundError("the test's");
                  }
                  return method.invoke(dataSource(), arguments);
                });
    JdbcDatabase same = JdbcDatabase.builder(failing).schema(schema()).build();
    OutboxRelay relay =
        OutboxRelay.create(JdbcOutbox.create(same, config()), transport(), runtime());
    relays().add(relay);
    relay.start();
    writeInTurn(20, 5);
    Await.until("deleted", () -> rows("outbox_message") == 0);
    assertThat(errors.get()).isGreaterThan(2);
    assertThat(transport().confirmed()).doesNotHaveDuplicates().hasSize(20);
    Await.until("up", () -> relay.health().status() == Health.Status.UP);
  }

  @Test
  default void aRelayReportsThatOneOfItsThreadsHasEnded() {
    CommsRuntime other =
        (CommsRuntime)
            Proxy.newProxyInstance(
                OutboxOwnershipContract.class.getClassLoader(),
                new Class<?>[] {CommsRuntime.class},
                (proxy, method, arguments) ->
                    method.getName().equals("newThread") && arguments[0].equals("outbox-ack")
                        ? runtime().newThread("outbox-ack", () -> {})
                        : method.invoke(runtime(), arguments));
    OutboxRelay relay = OutboxRelay.create(outbox(), transport(), other);
    relays().add(relay);
    relay.start();
    Await.until("down", () -> relay.health().status() == Health.Status.DOWN);
    assertThat(relay.health().reason()).contains("outbox-ack has ended");
  }

  @Test
  default void aRelayReportsThatItCanNotRenewItsLeases() throws SQLException {
    OutboxRelay relay = startRelay();
    Await.until("owns all", () -> detail(relay, "ownedShards") == config().shards());
    try (Connection other = dataSource().getConnection();
        Statement lock = other.createStatement()) {
      other.setAutoCommit(false);
      lock.executeUpdate("UPDATE " + database().table("outbox_shard") + " SET epoch = epoch + 0");
      Await.until("down", () -> relay.health().status() == Health.Status.DOWN);
      other.rollback();
      other.setAutoCommit(true);
    }
    Await.until("up again", () -> relay.health().status() == Health.Status.UP);
  }

  @Test
  default void aRelayReportsWhyItsLeaseStatementsFail() {
    OutboxRelay relay = startRelay();
    Await.until("owns all", () -> detail(relay, "ownedShards") == config().shards());
    execute("DROP TABLE " + database().table("outbox_node"));
    Await.until(
        "health names the failure", () -> relay.health().reason().contains("COMMS-JDBC-009"));
    assertThat(relay.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  default void aLockedShardDoesNotBlockTheOthers() throws SQLException {
    startRelay().close();
    try (Connection standing = dataSource().getConnection();
        Statement lock = standing.createStatement()) {
      standing.setAutoCommit(false);
      lock.executeQuery(
          "SELECT 1 FROM " + database().table("outbox_shard") + " WHERE shard = 3 FOR UPDATE");
      OutboxRelay relay = startRelay();
      Await.until(
          "owns the other shards", () -> detail(relay, "ownedShards") == config().shards() - 1);
      long end = System.nanoTime() + config().leaseTime().plusSeconds(1).toNanos();
      Await.until("longer than a lease", () -> System.nanoTime() > end);
      assertThat(relay.health().status()).isEqualTo(Health.Status.UP);
      assertThat(detail(relay, "ownedShards")).isEqualTo(config().shards() - 1);
      standing.rollback();
      standing.setAutoCommit(true);
      Await.until("owns all", () -> detail(relay, "ownedShards") == config().shards());
    }
  }

  @Test
  default void aRelayStalledBetweenTwoStatementsDoesNotPreventATakeover() {
    AtomicBoolean standsStill = new AtomicBoolean();
    CountDownLatch stood = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    DataSource stopping =
        (DataSource)
            Proxy.newProxyInstance(
                OutboxOwnershipContract.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, arguments) ->
                    method.getName().equals("getConnection")
                        ? stalling(dataSource().getConnection(), standsStill, stood, goOn)
                        : method.invoke(dataSource(), arguments));
    JdbcDatabase same = JdbcDatabase.builder(stopping).schema(schema()).build();
    OutboxRelay old = OutboxRelay.create(JdbcOutbox.create(same, config()), transport(), runtime());
    relays().add(old);
    old.start();
    Await.until("owns all", () -> detail(old, "ownedShards") == config().shards());
    standsStill.set(true);
    Await.until("stalled", () -> stood.getCount() == 0);
    try {
      OutboxRelay young = startRelay();
      Await.until("taken over", () -> detail(young, "ownedShards") == config().shards());
    } finally {
      goOn.countDown();
    }
  }

  /** A connection whose lease thread stalls after it has renewed the leases. */
  private static Connection stalling(
      Connection connection, AtomicBoolean armed, CountDownLatch stood, CountDownLatch goOn) {
    AtomicBoolean renewed = new AtomicBoolean();
    return (Connection)
        Proxy.newProxyInstance(
            OutboxOwnershipContract.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("prepareStatement") && armed.get()) {
                if (renewed.get()) {
                  stood.countDown();
                  goOn.await();
                }
                String sql = (String) arguments[0];
                renewed.set(sql.contains("SET lease_until") && sql.endsWith("WHERE owner = ?"));
              }
              try {
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  default void aSlowTransportDoesNotCostTheRelayItsShards() {
    CountDownLatch slow = new CountDownLatch(1);
    CountDownLatch entered = new CountDownLatch(1);
    transport()
        .onConfirm(
            id -> {
              if (id.equals("slow")) {
                entered.countDown();
                Await.until("released", () -> slow.getCount() == 0);
              }
            });
    OutboxRelay relay = startRelay();
    write("slow", "k");
    Await.until("in the transport", () -> entered.getCount() == 0);
    String table = database().table("outbox_shard");
    int before = number("SELECT sum(epoch) FROM " + table);
    long end = System.nanoTime() + Duration.ofSeconds(7).toNanos();
    Await.until("longer than a lease", () -> System.nanoTime() > end);
    assertThat(detail(relay, "unownedShards")).isZero();
    assertThat(number("SELECT sum(epoch) FROM " + table)).isEqualTo(before);
    slow.countDown();
    Await.until("published", () -> rows("outbox_message") == 0);
  }

  @Test
  default void startsOnceAndClosesAnyNumberOfTimes() {
    OutboxRelay relay = startRelay();
    assertThatIllegalStateException()
        .isThrownBy(relay::start)
        .withMessage("relay: RUNNING (expected: NEW)");
    relay.close();
    relay.close();
    assertThatIllegalStateException().isThrownBy(relay::start);
    assertThat(number("SELECT count(*) FROM " + database().table("outbox_node"))).isZero();
    OutboxRelay never = OutboxRelay.create(outbox(), transport(), runtime());
    assertThat(never.health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(never.drain(Duration.ofSeconds(1))).isTrue();
    never.close();
  }

  @Test
  default void aLeaseRenewedDuringPublishingLetsNoRowOvertake() {
    forgetShards();
    configure(quick().shards(1));
    transactions()
        .run(
            tx -> {
              outbox()
                  .publishAll(
                      tx,
                      ORDERS,
                      List.of(message("z-1", "z"), message("a-1", "a"), message("a-2", "a")));
              return null;
            });
    AtomicBoolean late = new AtomicBoolean();
    transport().onConfirm(id -> late.compareAndSet(false, id.equals("z-1")));
    // After z-1 the clock jumps for one call, so that the lease seems to have expired for a-1.
    TimeSource real = runtime().time();
    AtomicBoolean told = new AtomicBoolean();
    TimeSource jumping =
        new TimeSource() {
          @Override
          public Instant now() {
            return real.now();
          }

          @Override
          public long nanoTime() {
            boolean lies =
                late.get()
                    && Thread.currentThread().getName().equals("commslib-outbox-relay")
                    && told.compareAndSet(false, true);
            return real.nanoTime() + (lies ? Duration.ofHours(1).toNanos() : 0);
          }
        };
    OutboxRelay relay =
        OutboxRelay.create(outbox(), transport(), new OtherTime(runtime(), jumping));
    relays().add(relay);
    relay.start();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(told).isTrue();
    assertThat(transport().confirmed()).containsExactly("z-1", "a-1", "a-2");
  }

  /** A runtime with another clock. */
  static final class OtherTime extends ForwardingRuntime {
    private final TimeSource time;

    OtherTime(CommsRuntime runtime, TimeSource time) {
      super(runtime);
      this.time = time;
    }

    @Override
    public TimeSource time() {
      return time;
    }

    /** The other runtime is still used. */
    @Override
    public void close() {}
  }
}
