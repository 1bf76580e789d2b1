package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class DeferredRetriesTest {

  private static final Duration DELAY = Duration.ofSeconds(10);

  private final EngineFixture fixture = new EngineFixture();
  private final List<ForeignRecord> kept = new ArrayList<>();
  private final List<String> handled = new ArrayList<>();
  private CompletableFuture<Void> confirmation = CompletableFuture.completedFuture(null);

  private SubscriptionConfig.Builder config() {
    return fixture
        .config()
        .workers(1)
        .retry(
            RetrySchedule.builder().attemptsAtOnce(2).delays(DELAY, DELAY.multipliedBy(2)).build())
        .unordered();
  }

  private void start(SubscriptionConfig config) {
    fixture
        .delays(
            (record, delay) -> {
              if (!delay.equals(DELAY)) {
                return Optional.empty();
              }
              kept.add(record);
              return Optional.of(confirmation);
            })
        .start(
            config,
            delivery -> {
              handled.add(delivery.message().id() + "#" + delivery.attempt());
              throw new IllegalStateException("attempt " + delivery.attempt());
            });
  }

  @Test
  void isDeferredAfterTheImmediateAttemptsAndAcknowledgedOnceItIsSafe() {
    confirmation = new CompletableFuture<>();
    start(config().build());
    fixture.accept("m", null);
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("m#1", "m#2");
    assertThat(kept).hasSize(1);
    assertThat(fixture.acknowledged()).isEmpty();

    confirmation.complete(null);

    fixture.time().advance(Duration.ofHours(1));
    assertThat(handled).hasSize(2);
    assertThat(fixture.acknowledged()).containsExactly("m");
    assertThat(fixture.engine().snapshot().count(Count.DEFERRED)).isEqualTo(1);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void continuesTheCountAndKeepsTheFirstCauseForTheDeadLetter() {
    start(config().build());
    fixture.accept("m", "k");
    fixture.time().advance(Duration.ofSeconds(5));
    fixture.engine().accept(new Returned(kept.get(0), fixture));
    // The broker does not keep the second delay, so the record waits in the engine.
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(handled).containsExactly("m#1", "m#2", "m#3", "m#4");
    Map<String, String> letter = fixture.deadLetters().get(0).texts();
    assertThat(letter)
        .containsEntry("commslib-dlq-attempts", "4")
        .containsEntry("commslib-dlq-position", "m")
        .containsEntry("commslib-dlq-first-cause", "java.lang.IllegalStateException: attempt 1")
        .containsEntry("commslib-dlq-last-cause", "java.lang.IllegalStateException: attempt 4");
    assertThat(letter.keySet()).noneMatch(name -> name.startsWith("commslib-retry-"));
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  @Test
  void waitsInTheEngineIfItCanNotBeDeferred() {
    confirmation = CompletableFuture.failedFuture(new IllegalStateException("down"));
    start(config().build());
    fixture.accept("m", null);
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(fixture.acknowledged()).isEmpty();
    assertThat(fixture.engine().snapshot().count(Count.WAITING)).isEqualTo(1);
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(handled).containsExactly("m#1", "m#2", "m#3", "m#4");
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.acknowledged()).containsExactly("m");
  }

  @Test
  void waitsInItsLaneIfTheSubscriptionIsOrdered() {
    SubscriptionConfig ordered =
        fixture
            .config()
            .retry(RetrySchedule.builder().attemptsAtOnce(1).delays(DELAY).build())
            .build();
    start(ordered);
    fixture.accept("m", "k").accept("n", "k");
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(kept).isEmpty();
    assertThat(handled).containsExactly("m#1");
    assertThat(fixture.engine().snapshot().count(Count.WAITING)).isEqualTo(2);
  }

  @Test
  void ignoresAForgedHistoryOfARecordThatWasNotDeferred() {
    start(config().build());
    ForeignRecord forged =
        EngineFixture.wire("m", null)
            .withTexts(with(EngineFixture.wire("m", null), "commslib-retry-attempts", "1000"));
    fixture.engine().accept(fixture.delivery("m", null, forged));
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("m#1", "m#2");
    assertThat(kept.get(0).texts()).containsEntry("commslib-retry-attempts", "2");
  }

  @Test
  void handlesRecordsOfOneKeyInParallelAndBlocksNoKey() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config().blockKeyOnDeadLetter(new InMemoryBlockedKeyStore()).build())
        .withMessage("unordered: true (expected: false with blockKeyOnDeadLetter)");
    fixture.start(
        fixture.config().unordered().build(),
        delivery ->
            delivery.message().id().equals("first")
                ? Settlement.retry(Duration.ofHours(1))
                : note(delivery.message().id()));
    fixture.accept("first", "k").accept("second", "k");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(handled).containsExactly("second");
  }

  private Settlement note(String id) {
    handled.add(id);
    return Settlement.done();
  }

  private static Map<String, String> with(ForeignRecord wire, String name, String value) {
    Map<String, String> headers = new LinkedHashMap<>(wire.texts());
    headers.put(name, value);
    return headers;
  }

  private record Returned(ForeignRecord wire, Object scope) implements RawDelivery {
    @Override
    public boolean isDeferredRetry() {
      return true;
    }

    @Override
    public Optional<String> laneKey() {
      return wire.keyText();
    }

    @Override
    public int sizeBytes() {
      return wire.sizeBytes();
    }

    @Override
    public int priorDeliveries() {
      return 0;
    }

    @Override
    public String positionText() {
      return "elsewhere";
    }
  }
}
