package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.time.VirtualTime;
import io.commslib.resilience.MissingPart.Reason;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a composer makes of the ends of its parts, on one thread. */
class ComposerTest {

  private static final Duration TIMEOUT = Duration.ofMillis(800);

  private final VirtualTime time = VirtualTime.create();
  private final Queue<Runnable> queued = new ArrayDeque<>();
  private final List<Resilience> made = new ArrayList<>();

  private Resilience resilience(Executor executor) {
    Resilience resilience = Resilience.builder(time).partExecutor(executor).build();
    made.add(resilience);
    return resilience;
  }

  private Composer inline() {
    return resilience(Runnable::run).composer(TIMEOUT);
  }

  private Composer later() {
    return resilience(queued::add).composer(TIMEOUT);
  }

  private static String failing(RuntimeException failure) {
    throw failure;
  }

  private static String failing(Error failure) {
    throw failure;
  }

  private static ComposerException joinFails(Composer composer) {
    return catchThrowableOfType(ComposerException.class, composer::join);
  }

  @AfterEach
  void noSlotIsLost() {
    for (Resilience each : made) {
      assertThat(each.partsInFlight()).isZero();
      assertThat(each.overrunningParts()).isZero();
    }
  }

  @Test
  void aMissingOptionalPartIsNamedWithItsReason() {
    Resilience resilience = Resilience.create(time);
    GuardedOperation payments = resilience.guard("payments").operation("of", Idempotency.SAFE);
    try (Composer composer = resilience.composer(TIMEOUT)) {
      Part<String> order = composer.required("order", () -> "order 17");
      Part<String> shipping =
          composer.optional("shipping", () -> failing(new IllegalStateException("card 4711")));
      Part<String> payment =
          composer.optional(
              "payment",
              () ->
                  payments.call(
                      CallRules.BY_FAILURE,
                      attempt -> {
                        throw CallRules.failed(CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
                      }));
      composer.join();
      assertThat(order.get()).isEqualTo("order 17");
      assertThat(payment.orNull()).isNull();
      assertThat(shipping.orElse("unknown")).isEqualTo("unknown");
      assertThat(composer.missing())
          .hasToString(
              "{shipping=FAILED java.lang.IllegalStateException, payment=FAILED COMMS-CALL-001"
                  + " UNAVAILABLE MAYBE_SENT not retryable}");
      assertThat(composer.missing().get("payment").outcome()).isPresent();
      assertThat(composer.missing().get("shipping").failure().orElseThrow())
          .hasMessage("card 4711");
    }
    assertThat(resilience.partsInFlight()).isZero();
  }

  @Test
  void aFailedRequiredPartFailsTheWholeAndSkipsTheRest() {
    Composer composer = later();
    List<String> begun = new ArrayList<>();
    Part<String> first = composer.optional("first", () -> "done");
    Part<String> order = composer.required("order", () -> failing(new IllegalStateException("x")));
    Part<String> rest = composer.required("rest", () -> begun.add("rest") ? "" : "");
    queued.remove().run();
    queued.remove().run();
    Part<String> late = composer.optional("late", () -> begun.add("late") ? "" : "");
    queued.remove().run();
    assertThat(queued).isEmpty();
    assertThat(joinFails(composer))
        .hasMessage(
            "COMMS-CALL-010: the part failed (order, required, FAILED"
                + " java.lang.IllegalStateException)")
        .hasCauseInstanceOf(IllegalStateException.class)
        .satisfies(failure -> assertThat(failure.part()).contains("order"));
    assertThat(begun).isEmpty();
    assertThat(first.get()).isEqualTo("done");
    assertThat(composer.missing().keySet()).containsExactly("order", "rest", "late");
    assertThat(composer.missing().get("rest")).hasToString("CANCELLED");
    assertThatThrownBy(rest::get)
        .hasMessage("COMMS-CALL-013: the part was cancelled (rest, required, CANCELLED)");
    assertThatThrownBy(late::get).isInstanceOf(ComposerException.class);
    assertThat(catchThrowableOfType(ComposerException.class, order::get).code())
        .isEqualTo("COMMS-CALL-010");
  }

  @Test
  void theKindOfAFailureIsThatOfThePart() {
    assertThat(kindOf(new IllegalStateException("a defect"))).isEqualTo(FailureKind.CONTENTION);
    ComposerException permanent = ComposerException.misuse("x", null);
    assertThat(kindOf(permanent)).isEqualTo(FailureKind.PERMANENT);
    assertThat(kindOf(new IllegalStateException(permanent))).isEqualTo(FailureKind.CONTENTION);
    assertThat(kindOf(new IllegalStateException(ComposerException.cancelled("x", null))))
        .isEqualTo(FailureKind.CANCELLED);
  }

  private FailureKind kindOf(RuntimeException failure) {
    Composer composer = inline();
    composer.required("order", () -> failing(failure));
    return joinFails(composer).kind();
  }

  @Test
  void theContextOfTheOpenerIsThatOfEachPart() {
    CallContext opener =
        CallContext.empty()
            .withBaggage("tenant", "7")
            .withDeadline(Deadline.after(Duration.ofMillis(300), time.time()));
    Composer composer = opener.call(() -> later());
    Part<Long> left = composer.required("left", () -> CallContext.current().remainingNanos(0));
    Part<String> tenant =
        composer.required("tenant", () -> CallContext.current().baggage().get("tenant"));
    queued.forEach(Runnable::run);
    composer.join();
    assertThat(left.get()).isEqualTo(300_000_000);
    assertThat(tenant.get()).isEqualTo("7");
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void itsOwnDeadlineHoldsIfItIsEarlier() {
    CallContext opener =
        CallContext.empty().withDeadline(Deadline.after(Duration.ofMinutes(1), time.time()));
    Composer composer = opener.call(() -> inline());
    Part<Long> left = composer.required("left", () -> CallContext.current().remainingNanos(0));
    composer.join();
    assertThat(left.get()).isEqualTo(TIMEOUT.toNanos());
  }

  @Test
  void aPartDoesNotBeginAfterTheDeadline() {
    Composer composer = resilience(queued::add).composer(Duration.ofMillis(-1));
    Part<String> part = composer.required("order", () -> "too late");
    assertThat(queued).isEmpty();
    assertThat(joinFails(composer))
        .hasMessage(
            "COMMS-CALL-011: the deadline has passed before the part ended (order, required,"
                + " TIMED_OUT)")
        .satisfies(failure -> assertThat(failure.kind()).isEqualTo(FailureKind.TRANSIENT));
    assertThatThrownBy(part::get).isInstanceOf(ComposerException.class);
  }

  @Test
  void aPartThatWaitedTooLongForItsThreadDoesNotBegin() {
    Composer composer = later();
    Part<String> part = composer.optional("slow", () -> "too late");
    Part<String> other = composer.required("order", () -> "too late");
    time.advance(TIMEOUT);
    queued.forEach(Runnable::run);
    assertThat(joinFails(composer).part()).contains("order");
    assertThat(part.orNull()).isNull();
    assertThat(other.orNull()).isNull();
    assertThat(composer.missing()).hasToString("{slow=TIMED_OUT, order=TIMED_OUT}");
  }

  @Test
  void aPartThatNeverGetsAThreadIsMissingAtTheDeadline() {
    Composer composer = later();
    composer.optional("payment", () -> "never");
    composer.join();
    assertThat(time.time().nanoTime()).isEqualTo(TIMEOUT.toNanos());
    assertThat(composer.missing().get("payment").reason()).isEqualTo(Reason.TIMED_OUT);
    assertThat(composer.missing().get("payment").hasBegun()).isFalse();
    queued.remove().run();
    assertThat(composer.missing().get("payment").hasBegun()).isFalse();
  }

  @Test
  void aResultThatIsThereCountsAlsoAfterTheDeadline() {
    Composer composer = inline();
    Part<String> part = composer.required("order", () -> "there");
    time.advance(TIMEOUT.multipliedBy(2));
    composer.join();
    assertThat(part.get()).isEqualTo("there");
  }

  @Test
  void withoutPartsItEndsAtOnce() {
    Composer composer = inline();
    composer.join();
    assertThat(composer.missing()).isEmpty();
    assertThat(time.time().nanoTime()).isZero();
  }

  @Test
  void aResultMayBeNull() {
    Composer composer = inline();
    Part<Object> part = composer.required("order", () -> null);
    composer.join();
    assertThat(part.get()).isNull();
    assertThat(composer.missing()).isEmpty();
  }

  @Test
  void anErrorOfARequiredPartIsRethrown() {
    Composer composer = inline();
    AssertionError error = new AssertionError("x");
    composer.required("order", () -> failing(error));
    assertThatThrownBy(composer::join).isSameAs(error);
    assertThat(composer.missing()).hasToString("{order=FAILED java.lang.AssertionError}");
  }

  @Test
  void anErrorOfAnOptionalPartIsItsReason() {
    Composer composer = inline();
    composer.optional("payment", () -> failing(new StackOverflowError()));
    Part<String> order = composer.required("order", () -> "there");
    composer.join();
    assertThat(order.get()).isEqualTo("there");
    assertThat(composer.missing()).hasToString("{payment=FAILED java.lang.StackOverflowError}");
  }

  @Test
  void aFailureOfTheJvmInAnyPartIsRethrown() {
    Composer composer = inline();
    OutOfMemoryError error = new OutOfMemoryError("planted");
    composer.optional("payment", () -> failing(new IllegalStateException(error)));
    composer.required("order", () -> "there");
    assertThatThrownBy(composer::join).isSameAs(error);
  }

  @Test
  void anExecutorThatRefusesMakesThePartMissing() {
    RejectedExecutionException refusal = new RejectedExecutionException("full");
    Executor refusing =
        task -> {
          throw refusal;
        };
    Composer composer = resilience(refusing).composer(TIMEOUT);
    composer.optional("payment", () -> "never");
    assertThat(composer.missing().get("payment").reason()).isEqualTo(Reason.REFUSED);
    composer.required("order", () -> "never");
    assertThat(joinFails(composer))
        .hasMessage(
            "COMMS-CALL-014: the part had no thread (order, required, REFUSED"
                + " java.util.concurrent.RejectedExecutionException)")
        .hasCause(refusal)
        .satisfies(failure -> assertThat(failure.kind()).isEqualTo(FailureKind.TRANSIENT));
  }

  @Test
  void anErrorOfTheExecutorIsThatOfThePart() {
    LinkageError error = new LinkageError("x");
    Executor broken =
        task -> {
          throw error;
        };
    Composer optional = resilience(broken).composer(TIMEOUT);
    optional.optional("payment", () -> "never");
    optional.join();
    assertThat(optional.missing()).hasToString("{payment=REFUSED java.lang.LinkageError}");
    Composer required = resilience(broken).composer(TIMEOUT);
    required.required("order", () -> "never");
    assertThatThrownBy(required::join).isSameAs(error);
  }

  @Test
  void anExecutorThatRunsAPartTwiceAndThenThrowsChangesNothing() {
    int[] runs = {0};
    Executor strange =
        task -> {
          task.run();
          task.run();
          throw new RejectedExecutionException("after running it");
        };
    Composer composer = resilience(strange).composer(TIMEOUT);
    Part<Integer> part = composer.required("order", () -> ++runs[0]);
    composer.join();
    assertThat(part.get()).isEqualTo(1);
    assertThat(runs[0]).isEqualTo(1);
  }

  @Test
  void anErrorOfTheExecutorAfterAPartIsThrownAtOnce() {
    LinkageError error = new LinkageError("x");
    Executor broken =
        task -> {
          task.run();
          throw error;
        };
    Composer composer = resilience(broken).composer(TIMEOUT);
    assertThatThrownBy(() -> composer.optional("payment", () -> "there")).isSameAs(error);
    composer.join();
    assertThat(composer.missing()).isEmpty();
  }

  @Test
  void anInterruptOfOtherOriginStaysWithItsThread() {
    Composer composer = inline();
    composer.required(
        "order",
        () -> {
          throw new InterruptedException("by another thread");
        });
    assertThat(Thread.interrupted()).isTrue();
    assertThat(joinFails(composer))
        .hasMessage(
            "COMMS-CALL-013: the part was cancelled (order, required, CANCELLED"
                + " java.lang.InterruptedException)");
  }

  @Test
  void aFailureOfTheJvmThatComesTooLateReachesTheExecutor() {
    Composer composer = later();
    OutOfMemoryError error = new OutOfMemoryError("planted");
    composer.optional(
        "payment",
        () -> {
          composer.close();
          return failing(error);
        });
    assertThatThrownBy(() -> queued.remove().run()).isSameAs(error);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void partsBeyondTheBoundOfTheProcessAreRefused() {
    Resilience resilience = Resilience.builder(time).partExecutor(queued::add).maxParts(2).build();
    made.add(resilience);
    Composer first = resilience.composer(TIMEOUT);
    first.required("a", () -> "a");
    Composer second = resilience.composer(TIMEOUT);
    second.required("b", () -> "b");
    second.required("c", () -> "c");
    assertThat(joinFails(second))
        .hasMessage("COMMS-CALL-014: the part had no thread (c, required, REFUSED)");
    // The cancelled part has freed its slot before its turn in the executor.
    assertThat(resilience.partsInFlight()).isEqualTo(1);
    queued.forEach(Runnable::run);
    first.join();
    assertThat(first.missing()).isEmpty();
  }

  @Test
  void wrongMomentsAreNamed() {
    Composer composer = inline();
    Part<String> part = composer.required("order", () -> "there");
    assertThatThrownBy(part::get)
        .hasMessage("COMMS-CALL-012: the part is read before join (order)");
    assertThatThrownBy(part::orNull).hasMessageStartingWith("COMMS-CALL-012: ");
    composer.join();
    assertThatThrownBy(() -> composer.required("late", () -> ""))
        .hasMessage("COMMS-CALL-012: the part is declared after join (late)");
    assertThatThrownBy(composer::join).hasMessage("COMMS-CALL-012: join is called after join");
    Composer closed = inline();
    closed.close();
    closed.close();
    assertThatThrownBy(() -> closed.optional("late", () -> ""))
        .hasMessage("COMMS-CALL-013: the composer was closed");
    assertThatThrownBy(closed::join).hasMessage("COMMS-CALL-013: the composer was closed");
  }

  @Test
  void namesAndNumberOfPartsAreChecked() {
    Composer composer = inline();
    composer.optional("a", () -> "");
    assertThatThrownBy(() -> composer.required("a", () -> ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("part: a (expected: one part of this name)");
    assertThatThrownBy(() -> composer.required("", () -> ""))
        .hasMessage("part length: 0 (expected: 1..128)");
    assertThatThrownBy(() -> composer.required("a\n", () -> ""))
        .hasMessageContaining("no control characters");
    for (int i = 1; i < Composer.MAX_PARTS; i++) {
      composer.optional("p" + i, () -> "");
    }
    assertThatThrownBy(() -> composer.optional("more", () -> ""))
        .hasMessage("COMMS-CALL-012: parts: 257 (expected: 1..256)");
    assertThatCode(composer::join).doesNotThrowAnyException();
    assertThatThrownBy(() -> Resilience.builder(time).maxParts(0))
        .hasMessage("maxParts: 0 (expected: 1..100000)");
  }
}
