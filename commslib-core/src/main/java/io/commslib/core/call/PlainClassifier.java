package io.commslib.core.call;

import io.commslib.core.SendCertainty;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import org.jspecify.annotations.Nullable;

/** The classifier of code that knows nothing of this library. */
enum PlainClassifier implements OutcomeClassifier<@Nullable Object> {
  INSTANCE;

  private static final CallOutcome NOT_CONNECTED =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);
  private static final CallOutcome BROKEN =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.MAYBE_SENT);
  private static final CallOutcome TIMED_OUT =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);
  private static final CallOutcome INTERRUPTED =
      CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT);

  @Override
  public CallOutcome ofAnswer(@Nullable Object answer) {
    return CallOutcome.answered(CallStatus.OK);
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    if (failure instanceof CallException call) {
      return call.outcome();
    }
    if (failure instanceof InterruptedException) {
      return INTERRUPTED;
    }
    if (!(failure instanceof IOException)) {
      return CallOutcome.answered(CallStatus.UNKNOWN);
    }
    if (failure instanceof ConnectException
        || failure instanceof NoRouteToHostException
        || failure instanceof UnknownHostException) {
      return NOT_CONNECTED;
    }
    if (failure instanceof SocketTimeoutException) {
      return TIMED_OUT;
    }
    // A channel throws the second one for an interrupt, and closes.
    boolean isInterrupt =
        failure instanceof InterruptedIOException || failure instanceof ClosedByInterruptException;
    return isInterrupt ? INTERRUPTED : BROKEN;
  }
}
