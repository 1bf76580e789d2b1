package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * Finds calls that a policy on this side refused, in the causes of a handler's failure. A breaker,
 * a rate limiter or a bulkhead refuses for the state of the remote or of this process and never for
 * the message, so that is an outage, whatever exception wraps it. A call for which no time was left
 * was refused for the message's own deadline and is none.
 */
final class RefusedCalls {

  private RefusedCalls() {}

  /** The first call in the chain that the breaker, the rate limiter or the bulkhead refused. */
  static @Nullable CallException find(Throwable failure) {
    for (Throwable cause : Failures.chain(failure)) {
      if (cause instanceof CallException call && isForState(call)) {
        return call;
      }
    }
    return null;
  }

  private static boolean isForState(CallException call) {
    return call.refusal().filter(policy -> policy != Refusal.DEADLINE).isPresent();
  }

  /** Whether a call in the chain was never made, since no time was left for it. */
  static boolean hadNoTime(Throwable failure) {
    return Failures.chain(failure).stream()
        .anyMatch(
            cause ->
                cause instanceof CallException call
                    && call.attempts() == 0
                    && call.refusal().filter(policy -> policy == Refusal.DEADLINE).isPresent());
  }
}
