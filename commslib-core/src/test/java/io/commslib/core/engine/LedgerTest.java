package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LedgerTest {

  private final EngineFixture fixture = new EngineFixture();
  private final List<SubscriptionSnapshot> told = new ArrayList<>();
  private final CommsObserver observer =
      new CommsObserver() {
        @Override
        public void onLedger(Destination source, String group, SubscriptionSnapshot ledger) {
          told.add(ledger);
        }
      };

  @Test
  void everyPathEndsInItsOwnCountAndTheAgesAreThoseOfTheOldest() {
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    fixture.start(
        fixture
            .config()
            .transactional(transactions, new SeenMessageInbox(transactions.database(), "duplicate"))
            .blockKeyOnDeadLetter(new InMemoryBlockedKeyStore())
            .retry(RetrySchedule.builder().attemptsAtOnce(1).delays(Duration.ofHours(1)).build())
            .build(),
        delivery ->
            switch (delivery.message().id()) {
              case "dropped" -> Settlement.drop("not wanted");
              case "bad" -> Settlement.deadLetter("bad");
              case "later" -> Settlement.retry();
              case "back" -> Settlement.giveBack();
              default -> Settlement.done();
            },
        fixture.time(),
        observer);
    for (String id : List.of("done", "dropped", "duplicate", "back", "later")) {
      fixture.accept(id, id);
    }
    fixture.time().advance(Duration.ofMinutes(1));
    fixture.accept("bad", "k").accept("behind", "k");
    Message expired =
        Message.builder("t").id("old").expiry(fixture.time().time().now().minusSeconds(1)).build();
    fixture.engine().accept(fixture.delivery("old", null, EngineFixture.ENVELOPE.write(expired)));
    fixture.time().advance(Duration.ofSeconds(5));
    fixture.engine().pause();
    fixture.accept("inFlight", "x");

    SubscriptionSnapshot ledger = fixture.engine().snapshot();
    Map<Count, Long> counts = new EnumMap<>(Count.class);
    for (Count count : Count.values()) {
      counts.put(count, ledger.count(count));
    }
    assertThat(counts.remove(Count.RECEIVED)).isEqualTo(9);
    // Unordered subscriptions only: DeferredRetriesTest.
    assertThat(counts.remove(Count.DEFERRED)).isZero();
    assertThat(counts.values()).as("%s", counts).containsOnly(1L);
    assertThat(ledger.imbalance()).isZero();
    assertThat(ledger.oldestInFlight()).isEqualTo(Duration.ofSeconds(65));
    assertThat(ledger.oldestWaiting()).isEqualTo(Duration.ofSeconds(65));
  }

  @Test
  void theLedgerIsReportedWhileRecordsAreUnsettledAndOnceAfterwards() {
    fixture.start(
        fixture.config().build(),
        delivery ->
            delivery.attempt() == 1 ? Settlement.retry(Duration.ofSeconds(25)) : Settlement.done(),
        fixture.time(),
        observer);
    fixture.accept("m", "k");
    fixture.time().advance(Duration.ofMinutes(10));
    assertThat(told).hasSize(3);
    assertThat(told.get(1).oldestWaiting()).isEqualTo(Duration.ofSeconds(20));
    assertThat(told.get(2).count(Count.DONE)).isEqualTo(1);
    assertThat(told).allMatch(ledger -> ledger.imbalance() == 0);
  }
}
