package io.commslib.resilience;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.call.ArrivedAttempt;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallReport;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.ScriptedAnswer;
import io.commslib.testkit.call.ScriptedCallTransport;
import java.io.IOException;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A guarded remote without a network, under virtual time. */
final class ScriptedHarness implements CallHarness {

  private static final int MAX_ANSWER = 8_192;

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience = Resilience.create(time);
  private final Guard guard = resilience.guard("scripted");
  private final ScriptedCallTransport script = ScriptedCallTransport.create(time, MAX_ANSWER);
  private final CallTransport<String, ScriptedAnswer> transport;

  ScriptedHarness(
      Function<ScriptedCallTransport, CallTransport<String, ScriptedAnswer>> transport) {
    this.transport = transport.apply(script);
  }

  @Override
  public CommsRuntime runtime() {
    return time;
  }

  @Override
  public void policy(CallPolicy policy) {
    guard.replacePolicy(policy);
  }

  @Override
  public void script(RemoteStep... steps) {
    script.script(steps);
  }

  @Override
  public void always(RemoteStep step) {
    script.always(step);
  }

  @Override
  public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
    GuardedOperation operation = guard.operation("operation", idempotency);
    try {
      ScriptedAnswer answer =
          (key == null ? operation : operation.withKey(key)).call(transport, body);
      return CallReport.answered(transport.outcomes().ofAnswer(answer), answer.body());
    } catch (CallException e) {
      return CallReport.failed(e);
    } catch (IOException e) {
      return CallReport.answered(transport.outcomes().ofFailure(e), "");
    }
  }

  @Override
  public List<ArrivedAttempt> arrived() {
    return script.arrived();
  }

  @Override
  public int inFlight() {
    return guard.inFlight();
  }

  @Override
  public CircuitBreaker.State breaker() {
    return guard.breakerState();
  }

  @Override
  public int connections() {
    return script.connections();
  }

  @Override
  public int maxAnswerBytes() {
    return MAX_ANSWER;
  }

  @Override
  public void close() {
    resilience.close();
    time.close();
  }
}
