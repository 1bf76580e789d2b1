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
  void theDefaultClassifierGivesUpWhatIsPermanentWhateverCarriesIt() {
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
  void errorsOfTheJvmAreFoundInTheChainAndThoseOfCodeAreNone() {
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
    EngineFixture rig = new EngineFixture();
    boolean[] down = {true};
    rig.start(
        rig.config()
            .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build())
            .build(),
        delivery -> {
          if (down[0]) {
            // As CompletableFuture.join wraps it.
            throw new IllegalStateException(
                "handling failed", new CompletionException(of(FailureKind.TRANSIENT)));
          }
          assertThat(delivery.attempt()).isEqualTo(1);
          return Settlement.done();
        });
    rig.accept("m1", "k");
    rig.time().advance(Duration.ofMinutes(5));
    assertThat(rig.deadLetters()).isEmpty();
    down[0] = false;
    rig.time().advance(Duration.ofMinutes(1));
    assertThat(rig.acknowledged()).containsExactly("m1");
  }

  @Test
  void aLetterThatIsTooLargeForItsTargetIsCutAndThenKeptAndHoldsUpNoOther() {
    EngineFixture rig = new EngineFixture();
    rig.start(rig.config().build(), delivery -> Settlement.deadLetter("no"));
    Message.Builder large = Message.builder("t").id("large").key("a");
    for (int i = 0; i < 3; i++) {
      large.header("h" + i, "x".repeat(8_000));
    }
    rig.refuseLettersOver(30_000);
    rig.engine().accept(rig.delivery("large", "a", EngineFixture.ENVELOPE.encode(large.build())));
    rig.accept("small", "b");
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.acknowledged()).containsExactlyInAnyOrder("large", "small");

    rig.refuseLettersOver(10_000);
    rig.engine().accept(rig.delivery("large2", "a", EngineFixture.ENVELOPE.encode(large.build())));
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.acknowledged()).contains("large2");
    Map<String, String> cut = rig.deadLetters().get(2).headers();
    assertThat(cut).containsEntry("commslib-cut-headers", "3 headers, 24006 characters");
    assertThat(cut).doesNotContainKey("h0").containsKey("ce_id");
    assertThat(cut).containsEntry("commslib-dlq-cut", "cause, headers");

    rig.refuseLettersOver(10);
    rig.accept("never", "c").accept("behind", "c");
    rig.time().advance(Duration.ofMinutes(1));
    assertThat(rig.acknowledged()).hasSize(3);
    assertThat(rig.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(rig.engine().health().reason())
        .isEqualTo("the dead-letter target refuses messages, which wait here: 1");
    rig.refuseLettersOver(Integer.MAX_VALUE);
    rig.time().advance(Duration.ofMinutes(20));
    assertThat(rig.acknowledged()).endsWith("never", "behind");
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void lettersThatWaitInSuchNumbersThatTheyStopTheIntakeAreNamedInHealth() {
    EngineFixture rig = new EngineFixture();
    rig.start(
        rig.config().workers(2).maxInFlight(4).build(), delivery -> Settlement.deadLetter("no"));
    rig.refuseLettersOver(10);
    rig.accept("first", "a");
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.engine().isIntakeOpen()).isTrue();
    rig.accept("second", "b");
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.engine().isIntakeOpen()).isFalse();
    assertThat(rig.engine().health().reason())
        .isEqualTo(
            "the dead-letter target refuses messages, which wait here: 2; the intake is paused,"
                + " since its bounds are reached");
    rig.refuseLettersOver(Integer.MAX_VALUE);
    rig.time().advance(Duration.ofMinutes(20));
    assertThat(rig.acknowledged()).containsExactlyInAnyOrder("first", "second");
    assertThat(rig.engine().isIntakeOpen()).isTrue();
    assertThat(rig.engine().health().status()).isEqualTo(Health.Status.UP);
  }
}
