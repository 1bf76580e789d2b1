package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** A fallback in place of the failure of a call that returns stages. */
class AsyncFallbackTest {

  private final VirtualTime time = VirtualTime.create();
  private final List<CallOutcome> ends = new CopyOnWriteArrayList<>();
  private final Resilience resilience =
      Resilience.builder(time)
          .observer(
              new CommsObserver() {
                @Override
                public void onCall(
                    CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
                  ends.add(outcome);
                }
              })
          .build();
  private final Guard guard = resilience.guard("pricing");
  private final GuardedOperation unsafe = guard.operation("order", Idempotency.NON_IDEMPOTENT);
  private final List<Exception> failures = new ArrayList<>();
  private final CompletableFuture<String> stage = new CompletableFuture<>();

  private CompletionStage<String> open(CallContext attempt) {
    return stage;
  }

  private String fallback(Exception failure) {
    failures.add(failure);
    return "default";
  }

  private CompletableFuture<String> call() {
    return unsafe.callAsyncOr(this::open, this::fallback);
  }

  @Test
  void anAnswerNeedsNoFallback() {
    CompletableFuture<String> result = call();
    assertThat(result).isNotDone();
    stage.complete("answer");
    assertThat(result).isCompletedWithValue("answer");
    assertThat(failures).isEmpty();
  }

  @Test
  void aFailureIsAnsweredInItsPlaceAndObservedAllTheSame() {
    CompletableFuture<String> result = call();
    stage.completeExceptionally(new IOException("lost"));
    assertThat(result).isCompletedWithValue("default");
    assertThat(failures).singleElement().isInstanceOf(CallException.class);
    time.runUntilIdle();
    assertThat(ends).singleElement().matches(outcome -> !outcome.isSuccess());
  }

  /** It is outside of the retries. */
  @Test
  void theFallbackIsAskedOnceAfterTheLastAttempt() {
    List<CallContext> attempts = new ArrayList<>();
    CompletableFuture<String> result =
        guard
            .operation("quote", Idempotency.SAFE)
            .callAsyncOr(
                attempt -> {
                  attempts.add(attempt);
                  return CompletableFuture.failedFuture(new IOException("lost"));
                },
                this::fallback);
    time.advance(Duration.ofSeconds(5));
    assertThat(result).isCompletedWithValue("default");
    assertThat(attempts).hasSize(3);
    assertThat(failures).hasSize(1);
  }

  @Test
  void aRefusalIsAnsweredToo() {
    guard.forceBreakerOpen();
    assertThat(call()).isCompletedWithValue("default");
    assertThat(((CallException) failures.get(0)).code()).isEqualTo("COMMS-CALL-003");
  }

  @Test
  void theFallbackHasTheContextOfItsCaller() {
    List<CallContext> seen = new ArrayList<>();
    CallContext own = CallContext.empty().withBaggage("tenant", "7");
    own.call(
        () ->
            unsafe.callAsyncOr(
                this::open,
                failure -> {
                  seen.add(CallContext.current());
                  return "default";
                }));
    stage.completeExceptionally(new IOException("lost"));
    assertThat(seen).containsExactly(own);
    assertThat(CallContext.current()).isSameAs(CallContext.empty());
  }

  @Test
  void whatTheFallbackThrowsIsTheFailure() {
    IllegalStateException own = new IllegalStateException("no default");
    CompletableFuture<String> result =
        unsafe.callAsyncOr(
            this::open,
            failure -> {
              throw own;
            });
    stage.completeExceptionally(new IOException("lost"));
    assertThat(AsyncCallTest.failure(result)).isSameAs(own);
  }

  @Test
  void anErrorIsNotAnswered() {
    AssertionError error = new AssertionError();
    CompletableFuture<String> result = call();
    stage.completeExceptionally(error);
    assertThat(AsyncCallTest.failure(result)).isSameAs(error);
    assertThat(failures).isEmpty();
  }

  @Test
  void aCancelEndsTheAttemptAndAsksNoFallback() {
    CompletableFuture<String> result = call();
    assertThat(guard.inFlight()).isEqualTo(1);
    result.cancel(true);
    time.runUntilIdle();
    assertThat(stage).isCancelled();
    assertThat(guard.inFlight()).isZero();
    assertThat(failures).isEmpty();
  }
}
