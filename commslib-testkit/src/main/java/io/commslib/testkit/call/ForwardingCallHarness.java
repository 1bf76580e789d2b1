package io.commslib.testkit.call;

import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Passes everything on to a healthy harness. Saboteurs override a part. */
class ForwardingCallHarness implements CallHarness {

  private final CallHarness healthy;

  ForwardingCallHarness(CallHarness healthy) {
    this.healthy = healthy;
  }

  @Override
  public CommsRuntime runtime() {
    return healthy.runtime();
  }

  @Override
  public void policy(CallPolicy policy) {
    healthy.policy(policy);
  }

  @Override
  public void script(RemoteStep... steps) {
    healthy.script(steps);
  }

  @Override
  public void always(RemoteStep step) {
    healthy.always(step);
  }

  @Override
  public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
    return healthy.call(idempotency, key, body);
  }

  @Override
  public List<ArrivedAttempt> arrived() {
    return healthy.arrived();
  }

  @Override
  public int inFlight() {
    return healthy.inFlight();
  }

  @Override
  public CircuitBreaker.State breaker() {
    return healthy.breaker();
  }

  @Override
  public int connections() {
    return healthy.connections();
  }

  @Override
  public int hiddenRepetitions() {
    return healthy.hiddenRepetitions();
  }

  @Override
  public int maxAnswerBytes() {
    return healthy.maxAnswerBytes();
  }

  @Override
  public CallStatus delivered(CallStatus sent) {
    return healthy.delivered(sent);
  }

  @Override
  public Duration shortTime() {
    return healthy.shortTime();
  }

  @Override
  public Duration slack() {
    return healthy.slack();
  }

  @Override
  public void close() {
    healthy.close();
  }
}
