package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.FailureClassifier;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.UndeclaredThrowableException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FailuresTest {

  private static final List<UnaryOperator<Throwable>> CARRIERS =
      List.of(
          failure -> failure,
          CompletionException::new,
          ExecutionException::new,
          InvocationTargetException::new,
          UndeclaredThrowableException::new,
          failure -> new CompletionException(new ExecutionException(failure)));

  private static final List<UnaryOperator<Throwable>> EXPLANATIONS =
      List.of(
          failure -> new IllegalStateException("could not load the order", failure),
          failure -> new RuntimeException(new Exception("in between", failure)));

  private static StoreException of(FailureKind kind) {
    return new StoreException("COMMS-TEST-001", kind, "planted", null);
  }

  @ParameterizedTest
  @EnumSource(FailureKind.class)
  void anOutageIsFoundInTheChainAndAPermanentFailureNeedsToBeTheFailureItself(FailureKind kind) {
    boolean outage =
        switch (kind) {
          case TRANSIENT, UNKNOWN_RESULT, CANCELLED -> true;
          case PERMANENT, CONTENTION -> false;
        };
    for (UnaryOperator<Throwable> carrier : CARRIERS) {
      Throwable failure = carrier.apply(of(kind));
      assertThat(Failures.isOutage(failure)).as("%s", failure).isEqualTo(outage);
      assertThat(Failures.isPermanent(failure))
          .as("%s", failure)
          .isEqualTo(kind == FailureKind.PERMANENT);
    }
    for (UnaryOperator<Throwable> explanation : EXPLANATIONS) {
      Throwable failure = explanation.apply(of(kind));
      assertThat(Failures.isOutage(failure)).as("%s", failure).isEqualTo(outage);
      assertThat(Failures.isPermanent(failure)).as("%s", failure).isFalse();
    }
  }

  @Test
  void theDefaultClassifierDeadLettersPermanentFailuresInAnyWrapper() {
    FailureClassifier classifier = FailureClassifier.defaults();
    for (UnaryOperator<Throwable> carrier : CARRIERS) {
      assertThat(classifier.classify(carrier.apply(of(FailureKind.PERMANENT))))
          .hasToString("DEAD_LETTER (COMMS-TEST-001)");
      assertThat(classifier.classify(carrier.apply(of(FailureKind.CONTENTION))))
          .hasToString("RETRY");
    }
    for (UnaryOperator<Throwable> explanation : EXPLANATIONS) {
      assertThat(classifier.classify(explanation.apply(of(FailureKind.PERMANENT))))
          .hasToString("RETRY");
    }
  }

  @Test
  void aDeadLettersFingerprintIsThatOfTheCarriedFailure() {
    StoreException failure = of(FailureKind.CONTENTION);
    String own = DeadLetterCause.fingerprint(failure, "reason");
    assertThat(own).startsWith(StoreException.class.getName() + ":COMMS-TEST-001@");
    for (UnaryOperator<Throwable> carrier : CARRIERS) {
      assertThat(DeadLetterCause.fingerprint(carrier.apply(failure), "reason")).isEqualTo(own);
    }
    for (UnaryOperator<Throwable> explanation : EXPLANATIONS) {
      assertThat(DeadLetterCause.fingerprint(explanation.apply(failure), "reason"))
          .contains("Exception:COMMS-TEST-001@");
    }
  }

  @Test
  void findsErrorsOfTheJvmInTheChainAndIgnoresOtherErrors() {
    assertThat(Failures.isJvmFailure(new OutOfMemoryError())).isTrue();
    assertThat(Failures.isJvmFailure(new ExecutionException(new InternalError()))).isTrue();
    assertThat(Failures.isJvmFailure(new StackOverflowError())).isFalse();
    assertThat(Failures.isJvmFailure(new NoClassDefFoundError())).isFalse();
    assertThat(Failures.isJvmFailure(new AssertionError())).isFalse();
    assertThat(Failures.isJvmFailure(null)).isFalse();
  }

  @Test
  void aThrowableThatNamesItselfAsItsCauseOrThrowsIsLikeAnyOther() {
    RuntimeException circular =
        new RuntimeException("planted") {
          private static final long serialVersionUID = 1L;

          @Override
          public synchronized Throwable getCause() {
            return this;
          }
        };
    RuntimeException strange =
        new RuntimeException() {
          private static final long serialVersionUID = 1L;

          @Override
          public String getMessage() {
            throw new StackOverflowError();
          }

          @Override
          public synchronized Throwable getCause() {
            throw new AssertionError();
          }
        };
    RuntimeException inner = new RuntimeException("inner");
    RuntimeException outer = new RuntimeException("outer", inner);
    inner.initCause(outer);
    assertThat(Failures.chain(outer)).hasSize(20);
    for (Throwable failure :
        List.of(circular, strange, new RuntimeException("around", strange), outer)) {
      assertThat(Failures.isOutage(failure)).isFalse();
      assertThat(Failures.isPermanent(failure)).isFalse();
      assertThat(Failures.isJvmFailure(failure)).isFalse();
      assertThat(Failures.text(failure)).startsWith(failure.getClass().getName());
    }
    assertThat(Failures.text(new RuntimeException("x".repeat(5_000_000)))).hasSize(1_000);
  }

  @Test
  void aPublishThatIsJoinedInAHandlerDuringAnOutageConsumesNoAttempt() {
    EngineFixture fixture = new EngineFixture();
    boolean[] down = {true};
    fixture.start(
        fixture
            .config()
            .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build())
            .build(),
        delivery -> {
          if (down[0]) {
            // In the wrapper of CompletableFuture.join.
            throw new IllegalStateException(
                "handling failed", new CompletionException(of(FailureKind.TRANSIENT)));
          }
          assertThat(delivery.attempt()).isEqualTo(1);
          return Settlement.done();
        });
    fixture.accept("m1", "k");
    fixture.time().advance(Duration.ofMinutes(5));
    assertThat(fixture.deadLetters()).isEmpty();
    down[0] = false;
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).containsExactly("m1");
  }

  @Test
  void aDeadLetterThatIsTooLargeIsCutAndThenKeptAndDelaysNoOtherKey() {
    EngineFixture fixture = new EngineFixture();
    fixture.start(fixture.config().build(), delivery -> Settlement.deadLetter("no"));
    Message.Builder large = Message.builder("t").id("large").key("a");
    for (int i = 0; i < 3; i++) {
      large.header("h" + i, "x".repeat(8_000));
    }
    fixture.refuseLettersOver(30_000);
    fixture
        .engine()
        .accept(fixture.delivery("large", "a", EngineFixture.ENVELOPE.write(large.build())));
    fixture.accept("small", "b");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("large", "small");

    fixture.refuseLettersOver(10_000);
    fixture
        .engine()
        .accept(fixture.delivery("large2", "a", EngineFixture.ENVELOPE.write(large.build())));
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.acknowledged()).contains("large2");
    Map<String, String> cut = fixture.deadLetters().get(2).texts();
    assertThat(cut).containsEntry("commslib-cut-headers", "3 headers, 24006 characters");
    assertThat(cut).doesNotContainKey("h0").containsKey("ce_id");
    assertThat(cut).containsEntry("commslib-dlq-cut", "cause, headers");

    fixture.refuseLettersOver(10);
    fixture.accept("never", "c").accept("behind", "c");
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).hasSize(3);
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(fixture.engine().health().reason())
        .isEqualTo("the dead-letter target refuses messages, which wait here: 1");
    fixture.refuseLettersOver(Integer.MAX_VALUE);
    fixture.time().advance(Duration.ofMinutes(20));
    assertThat(fixture.acknowledged()).endsWith("never", "behind");
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void healthReportsRefusedDeadLettersThatCloseTheIntake() {
    EngineFixture fixture = new EngineFixture();
    fixture.start(
        fixture.config().workers(2).maxInFlight(4).build(),
        delivery -> Settlement.deadLetter("no"));
    fixture.refuseLettersOver(10);
    fixture.accept("first", "a");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.engine().isIntakeOpen()).isTrue();
    fixture.accept("second", "b");
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.engine().isIntakeOpen()).isFalse();
    assertThat(fixture.engine().health().reason())
        .isEqualTo(
            "the dead-letter target refuses messages, which wait here: 2; the intake is paused,"
                + " since its bounds are reached");
    fixture.refuseLettersOver(Integer.MAX_VALUE);
    fixture.time().advance(Duration.ofMinutes(20));
    assertThat(fixture.acknowledged()).containsExactlyInAnyOrder("first", "second");
    assertThat(fixture.engine().isIntakeOpen()).isTrue();
    assertThat(fixture.engine().health().status()).isEqualTo(Health.Status.UP);
  }
}
