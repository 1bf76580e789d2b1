package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.WireMessage;
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

  private final EngineFixture rig = new EngineFixture();

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
          rig.config()
              .transactional(transactions)
              .handlerDeadline(Duration.ofMillis(50))
              .retry(schedule(5))
              .build();
      rig.start(
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
      rig.accept("m1", "k").accept("m2", "k");
      assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(committed).as("m2 waits for the return").isEmpty();
      release.countDown();
      assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(rollbackOnly).isTrue();
      assertThat(committed).containsExactly("m1/2", "m2/1");
      rig.engine().close();
    }
  }

  @Test
  void handlersThatNeverReturnKeepTheirSlotsAndBeyondTheBoundItIsDown() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      CountDownLatch interrupted = new CountDownLatch(2);
      CountDownLatch release = new CountDownLatch(1);
      SubscriptionConfig config =
          rig.config()
              .workers(4)
              .maxStuckHandlers(1)
              .handlerDeadline(Duration.ofMillis(20))
              .build();
      CountDownLatch others = new CountDownLatch(20);
      rig.start(
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
      rig.accept("stuck1", "a").accept("stuck2", "b");
      assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 20; i++) {
        rig.accept("m" + i, "k" + i);
      }
      assertThat(others.await(60, TimeUnit.SECONDS)).as("other slots work on").isTrue();
      // A handler is interrupted a moment before it is counted.
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (rig.engine().snapshot().stuckHandlers() < 2 && System.nanoTime() < limit) {
        Thread.onSpinWait();
      }
      assertThat(rig.engine().snapshot().stuckHandlers()).isEqualTo(2);
      assertThat(rig.engine().health().status()).isEqualTo(Health.Status.DOWN);
      release.countDown();
      rig.engine().close();
    }
  }

  @Test
  void anErrorOfTheJvmStopsTheRouteUnhealthyAndBurnsNoAttempt() {
    AtomicBoolean exhausted = new AtomicBoolean(true);
    rig.start(
        rig.config().retry(schedule(1)).build(),
        delivery -> {
          if (exhausted.get()) {
            throw new OutOfMemoryError("Java heap space");
          }
          return Settlement.done();
        });
    rig.accept("m1", "a").accept("m2", "b");
    rig.time().advance(Duration.ofMinutes(1));
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(rig.engine().health().reason()).contains("OutOfMemoryError");
    assertThat(rig.deadLetters()).isEmpty();
    exhausted.set(false);
    rig.time().advance(Duration.ofSeconds(10));
    assertThat(rig.acknowledged()).hasSize(2);
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void errorsAMessageOrADeploymentCausesAreFailedAttempts() {
    rig.start(
        rig.config().retry(schedule(2)).build(),
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
    rig.accept("deep", "a").accept("link", "b").accept("assert", "c").accept("good", "a");
    rig.time().advance(Duration.ofSeconds(10));
    assertThat(rig.acknowledged()).hasSize(4);
    assertThat(rig.deadLetters()).hasSize(3);
    assertThat(rig.engine().snapshot().count(Count.DONE)).isEqualTo(1);
  }

  @Test
  void aRecordThatWasDeliveredAgainAndAgainWithoutOutcomeIsGivenUpUnhandled() {
    List<Integer> attempts = new ArrayList<>();
    rig.start(
        rig.config().retry(schedule(3)).build(),
        delivery -> {
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    for (int prior : List.of(0, 22, 23)) {
      WireMessage wire = EngineFixture.wire("m" + prior, "k");
      rig.engine().accept(new EngineFixture.TestDelivery("m" + prior, "k", wire, this, prior));
    }
    rig.time().runUntilIdle();
    assertThat(attempts).containsExactly(1, 23);
    assertThat(rig.deadLetters()).hasSize(1);
    assertThat(rig.deadLetters().get(0).headers())
        .containsEntry("commslib-dlq-reason", "CRASH_LOOP")
        .containsEntry("commslib-dlq-message-id", "m23");
  }

  @Test
  void aDeadLetterIsBoundedWhateverTheExceptionLooksLike() {
    rig.start(
        rig.config().retry(schedule(2)).build(),
        delivery -> {
          throw failure(delivery.message().id(), delivery.attempt());
        });
    for (String kind : List.of("huge", "cycle", "deep", "mute", "wide")) {
      rig.accept(kind, kind);
    }
    rig.time().advance(Duration.ofSeconds(10));
    assertThat(rig.deadLetters()).hasSize(5);
    for (WireMessage letter : rig.deadLetters()) {
      int bytes = 0;
      for (Map.Entry<String, String> header : letter.headers().entrySet()) {
        if (header.getKey().startsWith("commslib-dlq-")) {
          int value = header.getValue().getBytes(StandardCharsets.UTF_8).length;
          assertThat(value).isLessThanOrEqualTo(4_096);
          bytes += header.getKey().length() + value;
        }
      }
      assertThat(bytes).isLessThanOrEqualTo(16 * 1024);
      assertThat(letter.headers())
          .containsEntry("commslib-dlq-attempts", "2")
          .containsEntry("commslib-dlq-message-id", letter.headers().get("ce_id"))
          .containsEntry("commslib-dlq-key", letter.headers().get("ce_id"))
          .containsKeys("commslib-dlq-handler", "commslib-dlq-first-cause", "commslib-dlq-stack");
      assertThat(letter.headers().get("commslib-dlq-first-cause")).contains("attempt 1");
    }
  }

  @Test
  void aDeadLetterTargetThatIsDownIsAskedNowAndThenNotInALoop() {
    rig.start(
        rig.config().retry(schedule(1)).build(),
        delivery -> {
          throw new IllegalStateException("boom");
        });
    rig.failPublishes(1_000_000);
    rig.accept("m1", "a").accept("m2", "b").accept("m3", "c");
    rig.time().advance(Duration.ofMinutes(10));
    assertThat(1_000_000 - rig.failingPublishes()).isLessThan(400);
    assertThat(rig.acknowledged()).isEmpty();
    assertThat(rig.engine().snapshot().count(Count.IN_FLIGHT)).isEqualTo(3);
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

  /** Can name itself once only. */
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
  void aPauseThatFindsNoRecordToTryWithEndsInTime() {
    AtomicInteger asked = new AtomicInteger();
    rig.start(
        rig.config().workers(1).gate(() -> asked.incrementAndGet() != 2).build(),
        delivery -> Settlement.done());
    rig.accept("only", "k");
    rig.time().advance(Duration.ofMillis(1));
    assertThat(rig.acknowledged()).containsExactly("only");
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.UP);
  }
}
