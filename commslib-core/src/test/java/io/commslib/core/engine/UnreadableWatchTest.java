package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.UnknownTypeException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A subscription that has read nothing since it began does not empty its topic. */
class UnreadableWatchTest {

  private final EngineFixture fixture = new EngineFixture();
  private final List<Trouble> troubles = new ArrayList<>();

  private void start(int maxUnreadable) {
    fixture.start(
        fixture.config().maxUnreadable(maxUnreadable).build(),
        delivery -> Settlement.done(),
        fixture.time(),
        new CommsObserver() {
          @Override
          public void onTrouble(Trouble trouble) {
            troubles.add(trouble);
          }
        });
  }

  private void acceptUnreadable(int from, int until) {
    for (int i = from; i < until; i++) {
      fixture.acceptUnreadable("orders-0@" + i, i % 2 == 0 ? null : "k" + i);
    }
    fixture.time().runUntilIdle();
  }

  @Test
  void theRouteStopsAfterTwentyUnreadableRecordsAndSaysWhy() {
    start(20);
    acceptUnreadable(0, 300);
    assertThat(fixture.deadLetters()).hasSize(20);
    assertThat(fixture.engine().snapshot().count(Count.IN_FLIGHT)).isEqualTo(280);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason())
        .startsWith("paused: none of the first 20 records could be read")
        .contains("format");
    assertThat(troubles)
        .filteredOn(trouble -> trouble.kind() == Trouble.Kind.PAUSED)
        .singleElement()
        .satisfies(trouble -> assertThat(trouble.text()).contains("format"));
    assertThat(Trouble.Kind.PAUSED.isWarning()).isTrue();
  }

  @Test
  void eachWaitAndEachResumeLetsOneMoreGo() {
    start(20);
    acceptUnreadable(0, 300);
    fixture.time().advance(Duration.ofSeconds(59));
    assertThat(fixture.deadLetters()).hasSize(20);
    fixture.time().advance(Duration.ofSeconds(2));
    assertThat(fixture.deadLetters()).hasSize(21);
    fixture.time().advance(Duration.ofSeconds(100));
    assertThat(fixture.deadLetters()).hasSize(21);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(fixture.deadLetters()).hasSize(22);
    fixture.time().advance(Duration.ofDays(1));
    assertThat(fixture.deadLetters()).as("once an hour").hasSizeBetween(44, 54);
    int before = fixture.deadLetters().size();
    for (int i = 1; i <= 3; i++) {
      fixture.engine().resume();
      fixture.time().runUntilIdle();
      assertThat(fixture.deadLetters()).hasSize(before + i);
    }
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
  }

  @Test
  void aResumeWithoutAPauseLetsNothingGo() {
    start(20);
    fixture.engine().resume();
    acceptUnreadable(0, 30);
    assertThat(fixture.deadLetters()).hasSize(20);
  }

  @Test
  void theFirstReadableRecordEndsTheWatchForGood() {
    start(20);
    acceptUnreadable(0, 19);
    fixture.accept("readable", "r");
    acceptUnreadable(19, 300);
    assertThat(fixture.deadLetters()).hasSize(300);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void aReadableRecordBehindThePauseOpensTheRoute() {
    start(20);
    acceptUnreadable(0, 21);
    fixture.accept("readable", "r");
    acceptUnreadable(21, 100);
    fixture.engine().resume();
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).contains("readable").hasSize(101);
    assertThat(fixture.deadLetters()).hasSize(100);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void zeroSwitchesTheWatchOff() {
    start(0);
    acceptUnreadable(0, 300);
    assertThat(fixture.deadLetters()).hasSize(300);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
  }

  @Test
  void aDeadLetterThatIsPublishedAgainCountsOnce() {
    start(2);
    fixture.failPublishes(2);
    acceptUnreadable(0, 3);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(fixture.deadLetters()).hasSize(2);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
  }

  @Test
  void unreadableRecordsAreGivenBackByADrainAndTheRouteOpensWhenTheirScopeIsLost() {
    Object scope = new Object();
    start(1);
    for (int i = 0; i < 3; i++) {
      fixture
          .engine()
          .accept(fixture.delivery("lost" + i, null, EngineFixture.unreadable(null), scope));
    }
    fixture.time().runUntilIdle();
    assertThat(fixture.engine().snapshot().isRoutePaused()).isTrue();
    fixture.engine().revoke(scope);
    fixture.accept("readable", "r");
    fixture.time().runUntilIdle();
    assertThat(fixture.acknowledged()).contains("readable");
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void aRedeliveryDoesNotKeepTheWaitFromEnding() {
    start(1);
    // As a broker that takes everything back after half an hour, since it is unacknowledged.
    for (int i = 0; i < 48; i++) {
      Object scope = new Object();
      for (int k = 0; k < 3; k++) {
        fixture
            .engine()
            .accept(fixture.delivery(i + "-" + k, null, EngineFixture.unreadable(null), scope));
      }
      fixture.time().advance(Duration.ofMinutes(30));
      fixture.engine().revoke(scope);
      fixture.time().runUntilIdle();
    }
    assertThat(fixture.deadLetters()).as("once an hour").hasSizeBetween(20, 34);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void recordsOfUnknownTypesShowThatTheFormatFits() {
    fixture.format(new UnknownTypes());
    start(20);
    acceptUnreadable(0, 25);
    assertThat(fixture.deadLetters()).hasSize(25);
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  /** Reads the envelope of every record, and knows no type. */
  private record UnknownTypes() implements MessageFormat {
    @Override
    public String name() {
      return "of unknown types";
    }

    @Override
    public Message read(ForeignRecord record) {
      throw new UnknownTypeException("X", "type: t", Message.builder("t").build());
    }

    @Override
    public ForeignRecord write(Message message) {
      throw new UnsupportedOperationException("write");
    }

    @Override
    public boolean alwaysFindsId() {
      return true;
    }
  }
}
