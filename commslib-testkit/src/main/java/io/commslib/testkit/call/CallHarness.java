package io.commslib.testkit.call;

import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A guarded remote whose calls go through the transport under test, and the means to script the
 * remote. Tests of adapters implement it, with one instance for each test.
 *
 * <p>Calls are made with {@code GuardedOperation}, or with the API of the adapter above it. The
 * script is set before a call. Threads of a test that make calls at the same time find {@link
 * #always} steps only.
 */
public interface CallHarness extends AutoCloseable {

  /**
   * Returns the runtime of the calls.
   *
   * @return the runtime
   */
  CommsRuntime runtime();

  /**
   * Replaces the policy of the remote.
   *
   * @param policy the policy of later calls
   */
  void policy(CallPolicy policy);

  /**
   * Sets what the next attempts find, in this order, and after them an {@link RemoteStep#echo()}.
   *
   * @param steps the steps
   */
  void script(RemoteStep... steps);

  /**
   * Sets what every attempt finds from now on.
   *
   * @param step the step
   */
  void always(RemoteStep step);

  /**
   * Makes a call on this thread, under its current {@code CallContext}.
   *
   * @param idempotency the effect of a repetition
   * @param key the caller's own key of a {@code KEYED} call, or null
   * @param body the content of the request, ASCII; a {@code SAFE} call may have to leave it out
   * @return the end of the call; never throws for a failure of the call
   */
  CallReport call(Idempotency idempotency, @Nullable String key, String body);

  /**
   * Returns the attempts that have arrived at the remote.
   *
   * @return the attempts so far, in order
   */
  List<ArrivedAttempt> arrived();

  /**
   * Returns the number of attempts that hold a slot of the bulkhead.
   *
   * @return the number
   */
  int inFlight();

  /**
   * Returns the state of the circuit breaker.
   *
   * @return the state
   */
  CircuitBreaker.State breaker();

  /**
   * Returns the number of connections that the transport has opened so far.
   *
   * @return the number
   */
  int connections();

  /**
   * Returns the number of times that an attempt has arrived again because the client below the
   * transport sends it twice, as the adapter counts them. Only {@code SAFE} attempts may.
   *
   * @return default 0
   */
  default int hiddenRepetitions() {
    return 0;
  }

  /**
   * Returns the bound of the transport for answers.
   *
   * @return the largest content of an answer, 1 KiB to 1 MiB
   */
  int maxAnswerBytes();

  /**
   * Returns the status as which the protocol delivers a status of the remote.
   *
   * @param sent the status of the remote
   * @return the same one, unless the protocol has fewer
   */
  default CallStatus delivered(CallStatus sent) {
    return sent;
  }

  /**
   * Returns the time of attempts that must time out. Other attempts have much more.
   *
   * @return default 200 ms
   */
  default Duration shortTime() {
    return Duration.ofMillis(200);
  }

  /**
   * Returns the delay with which a call may end on this machine.
   *
   * @return default 2 s
   */
  default Duration slack() {
    return Duration.ofSeconds(2);
  }

  /** Closes all that the harness has started. */
  @Override
  void close();
}
