package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HandlerTroubleTest {

  private final EngineFixture fixture = new EngineFixture();

  @Test
  void aHandlerThatIgnoresItsInterruptCanNotCommitAndItsKeyWaitsForIt() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
      List<String> committed = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch interrupted = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch done = new CountDownLatch(2);
      AtomicBoolean rollbackOnly = new AtomicBoolean();
      SubscriptionConfig config =
          fixture
              .config()
              .transactional(transactions)
              .handlerDeadline(Duration.ofMillis(50))
              .retry(schedule(5))
              .build();
      fixture.start(
          config,
          delivery -> {
            String attempt = delivery.message().id() + "/" + delivery.attempt();
            delivery.transaction().afterCommit(() -> committed.add(attempt));
            delivery.transaction().afterCommit(done::countDown);
            if (attempt.equals("m1/1")) {
              ignoreInterrupts(release, interrupted);
              rollbackOnly.set(delivery.transaction().isRollbackOnly());
            }
            return Settlement.done();
          },
          system,
          CommsObserver.none());
      fixture.accept("m1", "k").accept("m2", "k");
      assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(committed).as("m2 waits for the return").isEmpty();
      release.countDown();
      assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(rollbackOnly).isTrue();
      assertThat(committed).containsExactly("m1/2", "m2/1");
      fixture.engine().close();
    }
  }

  @Test
  void handlersThatNeverReturnKeepTheirSlotsAndBeyondTheBoundTheEngineIsDown() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      CountDownLatch interrupted = new CountDownLatch(2);
      CountDownLatch release = new CountDownLatch(1);
      SubscriptionConfig config =
          fixture
              .config()
              .workers(4)
              .maxStuckHandlers(1)
              .handlerDeadline(Duration.ofMillis(20))
              .build();
      CountDownLatch others = new CountDownLatch(20);
      fixture.start(
          config,
          delivery -> {
            if (delivery.message().id().startsWith("stuck")) {
              ignoreInterrupts(release, interrupted);
            }
            others.countDown();
            return Settlement.done();
          },
          system,
          CommsObserver.none());
      fixture.accept("stuck1", "a").accept("stuck2", "b");
      assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 20; i++) {
        fixture.accept("m" + i, "k" + i);
      }
      assertThat(others.await(60, TimeUnit.SECONDS)).as("other slots continue").isTrue();
      // A handler is interrupted shortly before it is counted.
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (fixture.engine().snapshot().stuckHandlers() < 2 && System.nanoTime() < limit) {
        Thread.onSpinWait();
      }
      assertThat(fixture.engine().snapshot().stuckHandlers()).isEqualTo(2);
      assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DOWN);
      release.countDown();
      fixture.engine().close();
    }
  }

  @Test
  void anErrorOfTheJvmStopsTheRouteAndConsumesNoAttempt() {
    AtomicBoolean exhausted = new AtomicBoolean(true);
    fixture.start(
        fixture.config().retry(schedule(1)).build(),
        delivery -> {
          if (exhausted.get()) {
            throw new OutOfMemoryError("Java heap space");
          }
          return Settlement.done();
        });
    fixture.accept("m1", "a").accept("m2", "b");
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(fixture.engine().health().reason()).contains("OutOfMemoryError");
    assertThat(fixture.deadLetters()).isEmpty();
    exhausted.set(false);
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).hasSize(2);
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void errorsAMessageOrADeploymentCausesAreFailedAttempts() {
    fixture.start(
        fixture.config().retry(schedule(2)).build(),
        delivery -> {
          switch (delivery.message().id()) {
            case "deep" -> throw new StackOverflowError();
            case "link" -> throw new NoClassDefFoundError("gone");
            case "assert" -> throw new AssertionError("boom");
            default -> {
              return Settlement.done();
            }
          }
        });
    fixture.accept("deep", "a").accept("link", "b").accept("assert", "c").accept("good", "a");
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.acknowledged()).hasSize(4);
    assertThat(fixture.deadLetters()).hasSize(3);
    assertThat(fixture.engine().snapshot().count(Count.DONE)).isEqualTo(1);
  }

  @Test
  void aRecordRedeliveredTooOftenWithoutOutcomeIsDeadLetteredUnhandled() {
    List<Integer> attempts = new ArrayList<>();
    fixture.start(
        fixture.config().retry(schedule(3)).build(),
        delivery -> {
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    for (int prior : List.of(0, 22, 23)) {
      ForeignRecord wire = EngineFixture.wire("m" + prior, "k");
      fixture.engine().accept(new EngineFixture.TestDelivery("m" + prior, "k", wire, this, prior));
    }
    fixture.time().runUntilIdle();
    assertThat(attempts).containsExactly(1, 23);
    assertThat(fixture.deadLetters()).hasSize(1);
    assertThat(fixture.deadLetters().get(0).texts())
        .containsEntry("commslib-dlq-reason", "CRASH_LOOP")
        .containsEntry("commslib-dlq-message-id", "m23");
  }

  @Test
  void aDeadLetterIsBoundedForAnyException() {
    fixture.start(
        fixture.config().retry(schedule(2)).build(),
        delivery -> {
          throw failure(delivery.message().id(), delivery.attempt());
        });
    for (String kind : List.of("huge", "cycle", "deep", "mute", "wide")) {
      fixture.accept(kind, kind);
    }
    fixture.time().advance(Duration.ofSeconds(10));
    assertThat(fixture.deadLetters()).hasSize(5);
    for (ForeignRecord letter : fixture.deadLetters()) {
      int bytes = 0;
      for (Map.Entry<String, String> header : letter.texts().entrySet()) {
        if (header.getKey().startsWith("commslib-dlq-")) {
          int value = header.getValue().getBytes(StandardCharsets.UTF_8).length;
          assertThat(value).isLessThanOrEqualTo(4_096);
          bytes += header.getKey().length() + value;
        }
      }
      assertThat(bytes).isLessThanOrEqualTo(16 * 1024);
      assertThat(letter.texts())
          .containsEntry("commslib-dlq-attempts", "2")
          .containsEntry("commslib-dlq-message-id", letter.texts().get("ce_id"))
          .containsEntry("commslib-dlq-key", letter.texts().get("ce_id"))
          .containsKeys("commslib-dlq-handler", "commslib-dlq-first-cause", "commslib-dlq-stack");
      assertThat(letter.texts().get("commslib-dlq-first-cause")).contains("attempt 1");
    }
  }

  @Test
  void aDeadLetterTargetThatIsDownIsRetriedWithPauses() {
    fixture.start(
        fixture.config().retry(schedule(1)).build(),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    fixture.failPublishes(1_000_000);
    fixture.accept("m1", "a").accept("m2", "b").accept("m3", "c");
    fixture.time().advance(Duration.ofMinutes(10));
    assertThat(1_000_000 - fixture.failingPublishes()).isLessThan(400);
    assertThat(fixture.acknowledged()).isEmpty();
    assertThat(fixture.engine().snapshot().count(Count.IN_FLIGHT)).isEqualTo(3);
  }

  private static RuntimeException failure(String kind, int attempt) {
    String first = "attempt " + attempt + " ";
    switch (kind) {
      case "huge":
        return new IllegalStateException(first + "x".repeat(5 * 1024 * 1024));
      case "wide":
        return new IllegalStateException(first + "\u20ac\ud83d\ude00".repeat(10_000));
      case "cycle":
        IllegalStateException head = new IllegalStateException(first);
        head.initCause(new IllegalArgumentException("b", head));
        return head;
      case "deep":
        RuntimeException chain = new IllegalStateException("inner");
        for (int i = 0; i < 50_000; i++) {
          chain = new IllegalStateException(first, chain);
        }
        return chain;
      default:
        return new MuteException(attempt);
    }
  }

  private static void ignoreInterrupts(CountDownLatch release, CountDownLatch interrupted) {
    AtomicInteger interrupts = new AtomicInteger();
    while (true) {
      try {
        if (release.await(60, TimeUnit.SECONDS)) {
          return;
        }
      } catch (InterruptedException e) {
        if (interrupts.incrementAndGet() == 1) {
          interrupted.countDown();
        }
      }
    }
  }

  private static RetrySchedule schedule(int attempts) {
    return RetrySchedule.builder().attemptsAtOnce(attempts).withoutDelays().build();
  }

  /** Returns its message once only. */
  private static final class MuteException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int attempt;
    private int asked;

    MuteException(int attempt) {
      this.attempt = attempt;
    }

    @Override
    public String getMessage() {
      if (asked++ > 0) {
        throw new IllegalStateException("no message");
      }
      return "attempt " + attempt;
    }
  }

  @Test
  void aPauseWithoutRecordToProbeEnds() {
    AtomicInteger asked = new AtomicInteger();
    fixture.start(
        fixture.config().workers(1).gate(() -> asked.incrementAndGet() != 2).build(),
        delivery -> Settlement.done());
    fixture.accept("only", "k");
    fixture.time().advance(Duration.ofMillis(1));
    assertThat(fixture.acknowledged()).containsExactly("only");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }
}
