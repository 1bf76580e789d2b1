package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.observe.Trouble.Kind;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Events that a relay reports to its observer, by default the log. */
class RelayTroubleTest extends H2Fixture {

  private final List<Trouble> troubles = new CopyOnWriteArrayList<>();

  @BeforeEach
  void observe() {
    configure(quick().attempts(2).observer(collecting()));
  }

  private CommsObserver collecting() {
    return new CommsObserver() {
      @Override
      public void onTrouble(Trouble trouble) {
        troubles.add(trouble);
      }
    };
  }

  private Trouble await(Kind kind, String destination) {
    Await.until(kind + " " + destination, () -> find(kind, destination) != null);
    return find(kind, destination);
  }

  private Trouble find(Kind kind, String destination) {
    return troubles.stream()
        .filter(one -> one.kind() == kind && one.destination().orElse("").equals(destination))
        .findFirst()
        .orElse(null);
  }

  @Test
  void reportsTheFirstFailedAttemptAndTheParkedMessage() {
    transport.failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    Trouble failed = await(Kind.ATTEMPT_FAILED, ORDERS.toString());
    assertThat(failed.attempt()).isEqualTo(1);
    Trouble parked = await(Kind.PARKED, ORDERS.toString());
    assertThat(parked.component()).isEqualTo("outbox-relay");
    assertThat(parked.message())
        .contains(message("bad", "k").toBuilder().source("/").build().identity());
    assertThat(parked.attempt()).isEqualTo(2);
    assertThat(parked.code()).contains("COMMS-TEST-001");
    assertThat(parked.cause().orElseThrow()).contains("refused by the test");
    assertThat(parked.kind().isWarning()).isTrue();
    assertThat(troubles).noneMatch(one -> one.toString().contains("body of"));
  }

  @Test
  void namesAnUnreadableRowByItsPlace() {
    startRelay();
    execute(
        "INSERT INTO "
            + database.table("outbox_message")
            + " (shard, destination, msg_key, payload, headers)"
            + " VALUES (1, 'nowhere', NULL, X'00', 'rubbish')");
    assertThat(await(Kind.PARKED, "nowhere").message().orElseThrow()).startsWith("row 1/");
  }

  @Test
  void reportsADestinationThatIsUnreachableAndReachedAgain() {
    transport.failWhen((to, message) -> FailureKind.TRANSIENT);
    startRelay();
    write("m", "k");
    assertThat(await(Kind.PAUSED, ORDERS.toString()).code()).contains("COMMS-TEST-001");
    transport.failWhen((to, message) -> null);
    await(Kind.RESUMED, ORDERS.toString());
  }

  @Test
  void reportsADestinationThatIsStoppedAndResumed() {
    startRelay();
    OutboxAdmin admin = OutboxAdmin.create(database);
    admin.pause(ORDERS.toString(), "ann", "repair");
    // Without a message no relay reads the stopped destinations.
    write("m", "k");
    assertThat(await(Kind.PAUSED, ORDERS.toString()).text()).contains("OutboxAdmin.resume");
    admin.resume(ORDERS.toString(), "ann", "repaired");
    await(Kind.RESUMED, ORDERS.toString());
    Await.until("published", () -> transport.confirmed().contains("m"));
  }

  @Test
  void aRelayThatStartsPublishesNothingToAStoppedDestination() {
    OutboxAdmin.create(database).pause(ORDERS.toString(), "ann", "repair");
    write("stopped", "k");
    write(OTHER, "other", "k");
    startRelay();
    Await.until("other published", () -> transport.confirmed().contains("other"));
    Await.stays("nothing else to happen", Duration.ofMillis(500), () -> true);
    assertThat(transport.ids()).doesNotContain("stopped");
  }

  @Test
  void reportsThatTheDatabaseIsUnavailableAndAvailableAgain() {
    PausableDataSource cable = new PausableDataSource(dataSource());
    JdbcDatabase same = JdbcDatabase.builder(cable).schema(schema).build();
    OutboxRelay relay = OutboxRelay.create(JdbcOutbox.create(same, config), transport, runtime);
    relays.add(relay);
    relay.start();
    cable.pause(true);
    Trouble waits = await(Kind.PAUSED, "");
    assertThat(waits.code()).contains("COMMS-JDBC-001");
    cable.pause(false);
    await(Kind.RESUMED, "");
    Await.until("both loops continue", () -> relay.health().status() == Health.Status.UP);
  }

  @Test
  void anObserverThatFailsOrHangsDelaysNoMessage() {
    CountDownLatch release = new CountDownLatch(1);
    configure(
        quick()
            .observer(
                new CommsObserver() {
                  @Override
                  public void onTrouble(Trouble trouble) {
                    while (release.getCount() > 0) {
                      try {
                        release.await(30, TimeUnit.SECONDS);
                      } catch (InterruptedException e) {
                        continue;
                      }
                    }
                    throw new AssertionError("planted");
                  }
                }));
    transport.failWhen((to, message) -> to.equals(OTHER) ? FailureKind.TRANSIENT : null);
    OutboxRelay relay = startRelay();
    try {
      write(OTHER, "away", "k");
      Await.until("paused", () -> relay.health().status() == Health.Status.DEGRADED);
      for (int i = 0; i < 20; i++) {
        write("m" + i, "k" + i);
      }
      Await.until("published", () -> transport.confirmed().size() == 20);
      transport.failWhen((to, message) -> null);
      Await.until("health reports it", () -> relay.health().reason().contains("observer"));
    } finally {
      release.countDown();
    }
    Await.until("UP again", () -> relay.health().status() == Health.Status.UP);
  }
}
