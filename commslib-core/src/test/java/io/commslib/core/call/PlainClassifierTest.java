package io.commslib.core.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.SendCertainty;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlainClassifierTest {

  private static final OutcomeClassifier<Object> PLAIN = plain();

  @SuppressWarnings("unchecked")
  private static OutcomeClassifier<Object> plain() {
    return (OutcomeClassifier<Object>) (OutcomeClassifier<?>) OutcomeClassifier.plain();
  }

  @Test
  void anInterruptIsACancelInWhateverFormItArrives() {
    for (Throwable interrupt :
        new Throwable[] {
          new InterruptedException(), new InterruptedIOException(), new ClosedByInterruptException()
        }) {
      assertThat(PLAIN.ofFailure(interrupt))
          .as(interrupt.toString())
          .isEqualTo(CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT));
    }
  }

  @Test
  void failuresOfTheNetworkStateWhatIsKnown() {
    Map.of(
            new ConnectException(), SendCertainty.NOT_SENT,
            new NoRouteToHostException(), SendCertainty.NOT_SENT,
            new UnknownHostException(), SendCertainty.NOT_SENT,
            new SocketException(), SendCertainty.MAYBE_SENT,
            new ClosedChannelException(), SendCertainty.MAYBE_SENT,
            new IOException(), SendCertainty.MAYBE_SENT)
        .forEach(
            (failure, certainty) ->
                assertThat(PLAIN.ofFailure(failure))
                    .as(failure.toString())
                    .isEqualTo(CallOutcome.of(CallStatus.UNAVAILABLE, certainty)));
    assertThat(PLAIN.ofFailure(new SocketTimeoutException()))
        .isEqualTo(CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT));
  }

  @Test
  void whatCodeThrowsOtherwiseIsItsAnswer() {
    assertThat(PLAIN.ofFailure(new IllegalStateException()))
        .isEqualTo(CallOutcome.answered(CallStatus.UNKNOWN));
    assertThat(PLAIN.ofAnswer("x").isSuccess()).isTrue();
  }
}
