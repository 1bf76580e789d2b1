package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.testkit.call.RemoteStep.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the content of answers, connections and threads. */
abstract class AnswerChapter extends CallFixture {

  private static final int THREADS = 4;
  private static final int CALLS = 10;
  private static final long JOIN_MILLIS = 30_000;
  private static final int PAUSES = 500;
  private static final Duration PAUSE = Duration.ofMillis(10);

  /** Everything that can go wrong with an attempt, but for an interrupt. */
  static List<RemoteStep> faults(CallHarness harness) {
    return List.of(
        of(Kind.REFUSE),
        of(Kind.LOSE),
        of(Kind.RESET),
        of(Kind.SILENCE),
        of(Kind.CUT),
        of(Kind.STALL),
        RemoteStep.answer("x".repeat(harness.maxAnswerBytes() + 1)),
        RemoteStep.failure(CallStatus.INTERNAL),
        unavailable().malformedDetails(),
        unavailable().rawRetryAfter("never"));
  }

  @Test
  @DisplayName("An answer over the bound is a failure that is not repeated")
  @SabotagedBy(CallSaboteur.RAISES_BOUNDS)
  void anAnswerOverTheBoundIsRefused() {
    harness.always(RemoteStep.answer("x".repeat(harness.maxAnswerBytes() + 1)));
    CallReport report = call(Idempotency.SAFE);
    assertOutcome(report, CallStatus.UNKNOWN, SendCertainty.ANSWERED);
    assertThat(report.outcome().isRetryable()).isFalse();
    assertThat(report.answer()).isEmpty();
    assertThat(arrivals()).isEqualTo(1);
  }

  @Test
  @DisplayName("An answer of exactly the bound arrives whole")
  @SabotagedBy(CallSaboteur.LOWERS_BOUNDS)
  void anAnswerOfTheBoundArrives() {
    String largest = "0123456789abcdef".repeat(harness.maxAnswerBytes() / 16);
    String whole = largest + "x".repeat(harness.maxAnswerBytes() - largest.length());
    CallReport report = call(Idempotency.SAFE, RemoteStep.answer(whole));
    assertOk(report);
    assertThat(report.answer().equals(whole)).as("the answer is whole").isTrue();
  }

  @Test
  @DisplayName("An empty answer arrives empty")
  @SabotagedBy(CallSaboteur.PADS_EMPTY_ANSWERS)
  void anEmptyAnswerArrives() {
    CallReport report = call(Idempotency.SAFE, RemoteStep.answer(""));
    assertOk(report);
    assertThat(report.answer()).isEmpty();
  }

  @Test
  @DisplayName("After every fault the next call works")
  @SabotagedBy(CallSaboteur.STAYS_BROKEN)
  void theNextCallWorksAfterEveryFault() {
    for (RemoteStep fault : faults(harness)) {
      harness.policy(impatient().retry(retries(1)).build());
      assertThat(call(Idempotency.NON_IDEMPOTENT, fault).outcome().isSuccess())
          .as("%s", fault)
          .isFalse();
      harness.policy(patient().retry(retries(1)).build());
      CallReport next = call(Idempotency.NON_IDEMPOTENT);
      assertThat(next.outcome().isSuccess()).as("%s after %s", next, fault).isTrue();
      assertThat(next.answer()).isEqualTo("request");
    }
  }

  @Test
  @DisplayName("After an interrupt the next call works")
  @SabotagedBy(CallSaboteur.STAYS_BROKEN)
  void theNextCallWorksAfterAnInterrupt() {
    call(Idempotency.SAFE, TimeChapter.interrupting());
    Thread.interrupted();
    assertOk(call(Idempotency.SAFE));
  }

  @Test
  @DisplayName("A late answer to an attempt that timed out is not taken for the next one's")
  @SabotagedBy(CallSaboteur.REPEATS_OLD_ANSWERS)
  void noAnswerReachesAnotherCall() {
    for (Kind kind : List.of(Kind.SILENCE, Kind.STALL, Kind.CUT, Kind.RESET)) {
      harness.policy(impatient().retry(retries(1)).build());
      call(Idempotency.NON_IDEMPOTENT, RemoteStep.answer("before " + kind));
      call(Idempotency.NON_IDEMPOTENT, of(kind));
      harness.policy(patient().retry(retries(1)).build());
      CallReport next = call(Idempotency.NON_IDEMPOTENT, RemoteStep.answer("after " + kind));
      assertThat(next.answer()).isEqualTo("after " + kind);
    }
  }

  @Test
  @DisplayName("A connection is used again, also after an answer that is a failure")
  @SabotagedBy(CallSaboteur.CLOSES_CONNECTIONS)
  void aConnectionIsUsedAgain() {
    harness.policy(patient().retry(retries(1)).build());
    call(Idempotency.SAFE);
    int opened = harness.connections();
    call(Idempotency.SAFE, RemoteStep.failure(CallStatus.NOT_FOUND));
    call(Idempotency.SAFE, unavailable());
    call(Idempotency.SAFE, RemoteStep.answer("x".repeat(harness.maxAnswerBytes())));
    call(Idempotency.SAFE);
    assertThat(harness.connections()).isEqualTo(opened);
  }

  @Test
  @DisplayName("Calls of several threads get their own answers")
  @SabotagedBy(CallSaboteur.REPEATS_OLD_ANSWERS)
  void callsOfSeveralThreadsAreApart() throws InterruptedException {
    harness.always(RemoteStep.echo());
    Queue<String> wrong = new ConcurrentLinkedQueue<>();
    List<Thread> callers =
        IntStream.range(0, THREADS)
            .mapToObj(
                number ->
                    harness
                        .runtime()
                        .newThread("contract-caller-" + number, () -> callOften(number, wrong)))
            .toList();
    callers.forEach(Thread::start);
    for (Thread caller : callers) {
      caller.join(JOIN_MILLIS);
      assertThat(caller.isAlive()).isFalse();
    }
    assertThat(wrong).isEmpty();
    assertThat(arrivals()).isEqualTo(THREADS * CALLS);
    assertThat(harness.inFlight()).isZero();
  }

  private void callOften(int caller, Queue<String> wrong) {
    for (int i = 0; i < CALLS; i++) {
      String body = "request " + i + " of " + caller;
      CallReport report = harness.call(Idempotency.NON_IDEMPOTENT, null, body);
      if (!report.answer().equals(body)) {
        wrong.add(body + ": " + report);
      }
    }
  }

  @Test
  @DisplayName("Threads do not grow with calls and failures")
  @SabotagedBy(CallSaboteur.STARTS_THREADS)
  void threadsDoNotGrowWithCalls() throws InterruptedException {
    harness.policy(patient().retry(retries(1)).build());
    callAndFail();
    int most = Thread.activeCount() + 3;
    for (int i = 0; i < CALLS; i++) {
      callAndFail();
    }
    // The threads of connections that were reset may need a moment to end.
    for (int i = 0; i < PAUSES && Thread.activeCount() > most; i++) {
      harness.runtime().pause(PAUSE);
    }
    assertThat(Thread.activeCount()).isLessThanOrEqualTo(most);
  }

  private void callAndFail() {
    call(Idempotency.SAFE);
    call(Idempotency.SAFE, RemoteStep.failure(CallStatus.INTERNAL));
    call(Idempotency.SAFE, of(Kind.RESET));
  }
}
