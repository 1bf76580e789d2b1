package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.saga.TestSaga.State;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A saga that can't be woken is woken again, and parked after ten failures that its history counts.
 */
class SagaWakeFailuresTest extends SagaEngineFixture {

  /** Long enough that no saga counts as abandoned on a slow machine. */
  private static final Duration LEASE = Duration.ofMinutes(1);

  private static HikariDataSource pool;

  private final AtomicInteger calls = new AtomicInteger();
  private final List<Trouble> troubles = new CopyOnWriteArrayList<>();
  private volatile @Nullable Throwable hookFailure;

  @BeforeAll
  static void open() {
    pool = new HikariDataSource();
    pool.setJdbcUrl("jdbc:h2:mem:saga-wake-failures;DB_CLOSE_DELAY=-1");
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @BeforeEach
  void define() {
    definition =
        SagaDefinition.builder("order", 1, State.class)
            .key(State::order)
            .step("check")
            .readOnly()
            .command(TestSaga.STOCK, s -> new TestSaga.Hold(s.order()))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .timeout(Duration.ofMillis(20))
            .attempts(1)
            .step("send")
            .command(TestSaga.POST, s -> new TestSaga.Send(s.order()))
            .onReply(TestSaga.Sent.class, (s, r) -> s)
            .onCompensated((s, tx) -> hook(s.order()))
            .build();
    engine = engine(definition, observer(), LEASE);
  }

  private CommsObserver observer() {
    return new CommsObserver() {
      @Override
      public void onTrouble(Trouble trouble) {
        troubles.add(trouble);
      }
    };
  }

  private void hook(String order) throws Exception {
    Throwable failure = hookFailure;
    if (failure != null && order.equals("bad")) {
      calls.incrementAndGet();
      if (failure instanceof Error error) {
        throw error;
      }
      throw (Exception) failure;
    }
  }

  /** Waits for a condition while all backoffs between failures are skipped. */
  private void awaitWithoutBackoff(String what, BooleanSupplier condition) {
    await(
        what,
        () -> {
          expireBackoffs();
          return condition.getAsBoolean();
        });
  }

  private void expireBackoffs() {
    try {
      inTransaction(
          connection -> {
            try (Statement update = connection.createStatement()) {
              return update.executeUpdate(
                  "UPDATE "
                      + database.table("saga")
                      + " SET lease_until = '2020-01-01 00:00:00+00'"
                      + " WHERE lease_owner IS NULL AND lease_until IS NOT NULL");
            }
          });
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<SagaLogEntry> failures(String id) {
    return engine.timeline(id).stream()
        .filter(line -> line.kind() == SagaLogEntry.Kind.FAILED)
        .toList();
  }

  private static List<Integer> numbersTo(int last) {
    return IntStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  void aHookThatAlwaysFailsIsCountedInTheHistoryAndParksItsSagaWithACode() {
    hookFailure = new java.io.IOException("holds a secret");
    String id = begin("bad");
    engine.start();
    awaitWithoutBackoff("some failures", () -> failures(id).size() >= 4);
    await(
        "health reports it",
        () ->
            engine.health().status() == Health.Status.DEGRADED
                && engine.health().reason().startsWith("1 sagas could not be woken")
                && "1".equals(engine.health().details().get("failing")));
    // Another process continues the count.
    engine.close();
    SagaEngine successor = engine(definition, observer(), LEASE);
    successor.start();
    awaitWithoutBackoff("parked", () -> status("bad") == SagaStatus.PARKED);
    List<SagaLogEntry> history = successor.timeline(id);
    assertThat(failures(id)).extracting(SagaLogEntry::attempt).isEqualTo(numbersTo(10));
    assertThat(history.get(history.size() - 1).detail())
        .isEqualTo("could not be woken 10 times, last: java.io.IOException");
    assertThat(calls).hasValue(10);
    await(
        "reported with its code",
        () ->
            troubles.stream()
                .anyMatch(
                    trouble ->
                        trouble.kind() == Trouble.Kind.PARKED
                            && trouble.message().orElse("").equals(id)
                            && trouble.code().orElse("").equals("COMMS-SAGA-005")
                            && trouble
                                .cause()
                                .orElse("")
                                .contains("COMMS-SAGA-005: saga " + id + " is parked: ")));
    begin("good");
    await("others start", () -> successor.find("order", "good").isPresent());
    await("others end", () -> status("good") == SagaStatus.COMPENSATED);
    hookFailure = null;
    engine = successor;
    assertThat(engine.retry(id, "ann", "repaired")).isTrue();
    await("ended", () -> status("bad") == SagaStatus.COMPENSATED);
  }

  /** Uses texts of H2 and PostgreSQL, which quote the refused value. */
  @Test
  void aFailureOfTheDatabaseShowsNoValueOfTheState() {
    SQLException refused =
        new SQLException("Value too long: 'SECRET'\n  Detail: row (SECRET)", "22001");
    hookFailure = new IllegalStateException("insert into t values ('SECRET')", refused);
    String id = begin("bad");
    engine.start();
    awaitWithoutBackoff("some failures", () -> failures(id).size() >= 2);
    hookFailure = refused;
    await("health reports it", () -> engine.health().reason().contains("could not be woken"));
    awaitWithoutBackoff("parked", () -> status("bad") == SagaStatus.PARKED);
    await(
        "reported",
        () -> troubles.stream().anyMatch(trouble -> trouble.kind() == Trouble.Kind.PARKED));
    List<String> texts = new ArrayList<>();
    troubles.forEach(trouble -> texts.add(trouble + trouble.cause().orElse("")));
    texts.add(engine.health().toString() + engine.health().details());
    failures(id).forEach(line -> texts.add(line.toString()));
    assertThat(texts).hasSizeGreaterThan(10).noneMatch(text -> text.contains("SECRET"));
  }

  @Test
  void anErrorOfTheJvmIsAlsoCounted() {
    hookFailure = new OutOfMemoryError("planted");
    String id = begin("bad");
    engine.start();
    awaitWithoutBackoff("counted", () -> failures(id).size() == 1);
    await("health reports it", () -> engine.health().reason().contains("the JVM failed"));
    hookFailure = null;
    await("ended", () -> status("bad") == SagaStatus.COMPENSATED);
  }

  static List<Throwable> outages() {
    SQLException refused = new SQLException("connection refused", "08001");
    SQLException cut = new SQLException("statement cut", "57014");
    return List.of(
        new StoreException("COMMS-JDBC-001", FailureKind.TRANSIENT, "elsewhere", null),
        new StoreException("COMMS-JDBC-001", FailureKind.TRANSIENT, "elsewhere", refused),
        refused,
        new IllegalStateException("wrapped", refused),
        new SQLTransientConnectionException("no connection of another pool in time"),
        cut,
        new IllegalStateException("wrapped", cut));
  }

  @ParameterizedTest
  @MethodSource("outages")
  void anOutageIsNotCounted(Throwable outage) {
    hookFailure = outage;
    String id = begin("bad");
    engine.start();
    awaitWithoutBackoff("many failures", () -> calls.get() > 12);
    assertThat(failures(id)).isEmpty();
    await("health reports it", () -> engine.health().status() == Health.Status.DEGRADED);
    hookFailure = null;
    awaitWithoutBackoff("ended", () -> status("bad") == SagaStatus.COMPENSATED);
    await("health is up again", () -> engine.health().status() == Health.Status.UP);
  }

  @Test
  void theCountRestartsWithEachTransition() throws Exception {
    hookFailure = new java.io.IOException();
    String id = begin("bad");
    engine.start();
    awaitWithoutBackoff("some failures", () -> failures(id).size() >= 5);
    // A late reply continues the saga.
    hookFailure = null;
    answer(sent.get(0), new TestSaga.Held("bad"));
    SagaStore store = new SagaStore(database);
    int failures = inTransaction(connection -> store.failures(connection, id));
    assertThat(failures).isZero();
  }

  @Test
  void aWakeUpThatEndedItsProcessIsCountedBeforeTheNextOne() throws Exception {
    String id = begin("bad");
    SagaStore store = new SagaStore(database);
    await("claimed by a process that dies", () -> claim(store, Duration.ofMillis(1)).size() == 1);
    engine.start();
    await("ended", () -> status("bad") == SagaStatus.COMPENSATED);
    assertThat(failures(id))
        .extracting(SagaLogEntry::detail)
        .containsExactly("an earlier wake-up has not ended");
  }

  @Test
  void aSagaThatEndsEveryProcessIsParkedBeforeItEndsAnother() throws Exception {
    hookFailure = new AssertionError("not to be called");
    String id = begin("bad");
    SagaStore store = new SagaStore(database);
    for (int number : numbersTo(SagaTimeouts.MAX_FAILURES)) {
      Decision.LogLine line =
          new Decision.LogLine(SagaLogEntry.Kind.FAILED, "", number, "", "begun");
      inTransaction(
          connection -> {
            store.append(connection, id, List.of(line));
            return null;
          });
    }
    await("claimed by a process that dies", () -> claim(store, Duration.ofMillis(1)).size() == 1);
    engine.start();
    await("parked", () -> status("bad") == SagaStatus.PARKED);
    assertThat(calls).hasValue(0);
  }
}
