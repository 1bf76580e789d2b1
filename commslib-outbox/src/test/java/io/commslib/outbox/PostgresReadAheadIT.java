package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.messaging.Capability;
import io.commslib.core.resilience.Backoff;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A fetch in progress while the rows of the last one are published. */
class PostgresReadAheadIT extends OutboxFixture {

  private static final Duration POLL = Duration.ofSeconds(20);
  private static final Duration LEASE = Duration.ofSeconds(90);
  private static final Duration PAUSE = Duration.ofMillis(200);

  /** The condition of a read that leaves out destinations. */
  private static final String PAST_OTHERS = "destination = ANY";

  private static HikariDataSource pool;

  private final CountDownLatch hasRead = new CountDownLatch(1);
  private final CountDownLatch resume = new CountDownLatch(1);
  private final AtomicInteger reads = new AtomicInteger();
  private final AtomicInteger readsPastOthers = new AtomicInteger();
  private final Semaphore hasReadPastOthers = new Semaphore(0);
  private final Semaphore resumePastOthers = new Semaphore(0);
  private final AtomicInteger failures = new AtomicInteger();

  /** Whether each read past the rows of a destination stalls, and no other one. */
  private volatile boolean stallsPastOthers;

  private JdbcOutbox relayed;

  @BeforeAll
  static void open() {
    pool = TestDatabases.postgres();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.postgres();
  }

  /** The first read-ahead of this outbox has read and then stalls until {@link #resume}. */
  @BeforeEach
  void stallTheFirstReadAhead() {
    configure(
        quick()
            .batchSize(4)
            .pollInterval(POLL)
            .leaseTime(LEASE)
            .backoff(Backoff.exponential(PAUSE, PAUSE).withoutJitter()));
    DataSource stalling =
        (DataSource)
            Proxy.newProxyInstance(
                PostgresReadAheadIT.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, arguments) -> {
                  boolean ahead = Thread.currentThread().getName().endsWith("outbox-read");
                  if (ahead && failures.getAndDecrement() > 0) {
                    throw new SQLTransientConnectionException("cut off by the test");
                  }
                  Object result = method.invoke(dataSource(), arguments);
                  return ahead && result instanceof Connection connection
                      ? stalling(connection)
                      : result;
                });
    JdbcDatabase same = JdbcDatabase.builder(stalling).schema(schema).build();
    relayed = JdbcOutbox.create(same, config);
  }

  private Connection stalling(Connection connection) {
    AtomicBoolean isPastOthers = new AtomicBoolean();
    return (Connection)
        Proxy.newProxyInstance(
            PostgresReadAheadIT.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              String sql = method.getName().equals("prepareStatement") ? (String) arguments[0] : "";
              if (sql.contains(PAST_OTHERS)) {
                readsPastOthers.incrementAndGet();
                isPastOthers.set(true);
              } else if (sql.contains("s.after")) {
                reads.incrementAndGet();
              }
              if (method.getName().equals("close") && stallsPastOthers) {
                if (isPastOthers.get()) {
                  hasReadPastOthers.release();
                  resumePastOthers.tryAcquire(30, TimeUnit.SECONDS);
                }
              } else if (method.getName().equals("close") && hasRead.getCount() > 0) {
                hasRead.countDown();
                resume.await(30, TimeUnit.SECONDS);
              }
              return method.invoke(connection, arguments);
            });
  }

  private OutboxRelay startStalled(RecordingTransport to) throws InterruptedException {
    OutboxRelay relay = start(to);
    assertThat(hasRead.await(30, TimeUnit.SECONDS)).as("read ahead").isTrue();
    return relay;
  }

  private OutboxRelay start(RecordingTransport to) {
    OutboxRelay relay = OutboxRelay.create(relayed, to, runtime);
    relays.add(relay);
    relay.start();
    return relay;
  }

  private static void awaitEndOfPause(OutboxRelay relay) {
    Await.until("pauses", () -> relay.health().status() == Health.Status.DEGRADED);
    long end = System.nanoTime() + 2 * PAUSE.toNanos();
    Await.until("longer than the pause", () -> System.nanoTime() > end);
  }

  @Test
  void isDiscardedOnceARowWasReturned() throws Exception {
    AtomicBoolean first = new AtomicBoolean(true);
    transport.failWhen(
        (to, message) ->
            message.id().equals("k0-1") && first.getAndSet(false) ? FailureKind.TRANSIENT : null);
    writeInTurn(20, 1);
    awaitEndOfPause(startStalled(transport));
    resume.countDown();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport.confirmed()).hasSize(20);
    assertFirstPublicationsInOrder();
  }

  @Test
  void isDiscardedWithManyRowsOfAKeyInFlight() throws Exception {
    RecordingTransport fencing = new RecordingTransport(Capability.KEYED_PUBLISH_FENCE);
    fencing.holdWhen(message -> true);
    writeInTurn(8, 1);
    OutboxRelay relay = startStalled(fencing);
    Await.until("four in flight", () -> fencing.ids().size() == 4);
    fencing.failHeld("k0-1", FailureKind.TRANSIENT);
    fencing.holdWhen(message -> false);
    awaitEndOfPause(relay);
    resume.countDown();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(fencing.confirmed())
        .containsExactly("k0-1", "k0-2", "k0-3", "k0-4", "k0-5", "k0-6", "k0-7", "k0-8");
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 6})
  void aCommitMeanwhileNeedsNoPoll(int before) throws Exception {
    writeInTurn(before, 1);
    startStalled(transport);
    long start = System.nanoTime();
    write("late", "late");
    relayed.wake();
    // Nothing else must wake it.
    Await.until("the first four deleted", () -> rows("outbox_message") == before - 4 + 1);
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    resume.countDown();
    Await.until("the late one published", () -> transport.confirmed().contains("late"));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(POLL.dividedBy(2));
  }

  @Test
  void drainWaitsForAReadThatBeginsAfterIt() throws Exception {
    writeInTurn(4, 1);
    OutboxRelay relay = startStalled(transport);
    Await.until("the four deleted", () -> rows("outbox_message") == 0);
    write("late", "late");
    CompletableFuture<List<String>> drained =
        CompletableFuture.supplyAsync(
            () -> relay.drain(Duration.ofSeconds(10)) ? transport.confirmed() : List.of(),
            body -> new Thread(body).start());
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(drained).isNotDone();
    resume.countDown();
    assertThat(drained.get(20, TimeUnit.SECONDS)).hasSize(5).contains("late");
  }

  @Test
  void aFailedReadAheadIsReportedAndRepeated() {
    failures.set(2);
    resume.countDown();
    writeInTurn(40, 3);
    OutboxRelay relay = start(transport);
    Await.until("down", () -> relay.health().status() == Health.Status.DOWN);
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(failures.get()).isNotPositive();
    assertThat(transport.confirmed()).doesNotHaveDuplicates().hasSize(40);
    assertFirstPublicationsInOrder();
    Await.until("up", () -> relay.health().status() == Health.Status.UP);
  }

  @Test
  void readsAheadNoMoreThanTheLimitsAllow() {
    configure(quick().batchSize(4).maxUnconfirmed(32).pollInterval(POLL).leaseTime(LEASE));
    relayed = JdbcOutbox.create(relayed.jdbc(), config);
    resume.countDown();
    transport.holdWhen(message -> true);
    writeInTurn(100, 100);
    start(transport);
    Await.until("its share is out", () -> transport.ids().size() >= 12);
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    int readsUntilFull = reads.get();
    assertThat(readsUntilFull).isBetween(1, 8);
    assertThat(transport.ids()).hasSizeLessThanOrEqualTo(16).doesNotHaveDuplicates();
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(reads.get())
        .as("no read for rows that the limits do not allow")
        .isEqualTo(readsUntilFull);
    assertThat(readsPastOthers).as("reads of other destinations").hasPositiveValue();
    transport.releaseHeld();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport.confirmed())
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 100).mapToObj(n -> "k" + n + "-1").toList());
  }

  /** Fills the share of {@code ORDERS}, and waits for a read past its rows to stall. */
  private OutboxRelay startCrowded() throws InterruptedException {
    stallsPastOthers = true;
    resume.countDown();
    configure(
        quick()
            .batchSize(4)
            .maxUnconfirmed(32)
            .pollInterval(POLL)
            .leaseTime(LEASE)
            .backoff(Backoff.exponential(PAUSE, PAUSE).withoutJitter()));
    relayed = JdbcOutbox.create(relayed.jdbc(), config);
    transport.holdWhen(message -> true);
    write(OTHER, "a1", "a");
    OutboxRelay relay = start(transport);
    Await.until("the first of its key in flight", () -> transport.ids().contains("a1"));
    writeInTurn(100, 100);
    relayed.wake();
    awaitReadPastOthers();
    return relay;
  }

  private void awaitReadPastOthers() throws InterruptedException {
    assertThat(hasReadPastOthers.tryAcquire(30, TimeUnit.SECONDS)).as("read").isTrue();
  }

  private void stallNoLonger() {
    stallsPastOthers = false;
    resumePastOthers.release(100);
  }

  @Test
  void publishesWhileItReadsPastACrowdedDestination() throws Exception {
    startCrowded();
    transport.releaseHeld();
    Await.until("what is in memory published", () -> transport.confirmed().size() >= 12);
    Await.until("the read is in progress", () -> resumePastOthers.getQueueLength() == 1);
    stallNoLonger();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport.confirmed()).doesNotHaveDuplicates().hasSize(101);
  }

  @Test
  void aReadPastOthersIsDiscardedOnceARowWasReturned() throws Exception {
    OutboxRelay relay = startCrowded();
    write(OTHER, "a2", "a");
    resumePastOthers.release();
    // This one finds a2, and a1 is in flight.
    awaitReadPastOthers();
    transport.failHeld("a1", FailureKind.TRANSIENT);
    awaitEndOfPause(relay);
    transport.releaseHeld();
    stallNoLonger();
    Await.until("all published", () -> rows("outbox_message") == 0);
    assertThat(transport.confirmed()).doesNotHaveDuplicates().hasSize(102);
    assertThat(transport.confirmed().indexOf("a1")).isLessThan(transport.confirmed().indexOf("a2"));
  }
}
