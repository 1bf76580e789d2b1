package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CallbackQueue;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Passes the events of all calls to the observer, on a thread of its own, in order. */
final class CallEvents implements AutoCloseable {

  private final CommsObserver observer;
  private final CallbackQueue callbacks;
  private final boolean observesCalls;

  CallEvents(CommsRuntime runtime, CommsObserver observer) {
    this.observer = observer;
    this.callbacks = new CallbackQueue(runtime, "calls-observer");
    this.observesCalls = observer.observesCalls();
  }

  /** Whether calls and attempts are to be reported; otherwise the engine spends nothing on them. */
  boolean observesCalls() {
    return observesCalls;
  }

  void call(CallTarget target, CallOutcome outcome, int attempts, long nanos) {
    Duration elapsed = Duration.ofNanos(nanos);
    callbacks.add(() -> observer.onCall(target, outcome, attempts, elapsed));
  }

  void attempt(
      CallTarget target, CallOutcome outcome, int attempt, long nanos, @Nullable Refusal refusal) {
    Duration elapsed = Duration.ofNanos(nanos);
    Optional<Refusal> by = Optional.ofNullable(refusal);
    callbacks.add(() -> observer.onAttempt(target, outcome, attempt, elapsed, by));
  }

  void mirror(CallTarget target, CallOutcome outcome, long nanos, @Nullable Refusal refusal) {
    Duration elapsed = Duration.ofNanos(nanos);
    Optional<Refusal> by = Optional.ofNullable(refusal);
    callbacks.add(() -> observer.onMirror(target, outcome, elapsed, by));
  }

  void breaker(String service, State from, State to, CallOutcome cause, Duration open) {
    callbacks.add(() -> observer.onBreaker(service, from, to, cause, open));
    if (from == State.CLOSED && to == State.OPEN) {
      String text = "the circuit breaker opens for " + open + " after " + cause;
      trouble(Trouble.Kind.PAUSED, service, text);
    } else if (to == State.CLOSED) {
      trouble(Trouble.Kind.RESUMED, service, "the circuit breaker is closed");
    }
  }

  private void trouble(Trouble.Kind kind, String service, String text) {
    Trouble trouble = Trouble.builder(kind, "calls-" + service).text(text).build();
    callbacks.add(() -> observer.onTrouble(trouble));
  }

  @Override
  public void close() {
    callbacks.close();
  }
}
