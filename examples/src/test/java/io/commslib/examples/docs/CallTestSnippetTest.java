package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.time.VirtualTime;
import io.commslib.resilience.Guard;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.call.ScriptedAnswer;
import io.commslib.testkit.call.ScriptedCallTransport;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The scripted calls of the testing guide. */
class CallTestSnippetTest {

  @Test
  void aTimeoutTakesNoRealTime() throws IOException {
    // snippet: scripted-call
    VirtualTime time = VirtualTime.create();
    ScriptedCallTransport remote = ScriptedCallTransport.create(time, 8_192);
    remote.script(
        RemoteStep.of(Kind.SILENCE),
        RemoteStep.failure(CallStatus.UNAVAILABLE),
        RemoteStep.answer("7"));
    Guard prices = Resilience.create(time).guard("prices");
    ScriptedAnswer price = prices.operation("quote", Idempotency.SAFE).call(remote, "article");
    // end
    assertThat(price.body()).isEqualTo("7");
    assertThat(remote.arrived()).hasSize(3);
    // The silence takes the time of an attempt.
    assertThat(time.time().nanoTime()).isGreaterThanOrEqualTo(2_000_000_000L);
  }
}
