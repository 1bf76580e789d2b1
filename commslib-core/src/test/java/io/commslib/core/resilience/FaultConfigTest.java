package io.commslib.core.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.CallPolicy.Part;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FaultConfigTest {

  @Test
  void whatBreaksARuleIsRefusedWithIt() {
    assertThatThrownBy(() -> FaultConfig.delaying(101, Duration.ofSeconds(1)))
        .hasMessage("faults delayPercent: 101 (expected: 0..100)");
    assertThatThrownBy(() -> FaultConfig.delaying(1, Duration.ZERO))
        .hasMessageStartingWith("faults delay: PT0S (expected: ");
    assertThatThrownBy(() -> FaultConfig.failing(-1, CallStatus.INTERNAL, SendCertainty.MAYBE_SENT))
        .hasMessage("faults failPercent: -1 (expected: 0..100)");
    for (CallStatus status : new CallStatus[] {CallStatus.OK, CallStatus.CANCELLED}) {
      assertThatThrownBy(() -> FaultConfig.failing(1, status, SendCertainty.ANSWERED))
          .hasMessage("faults status: " + status + " (expected: neither OK nor CANCELLED)");
    }
  }

  @Test
  void theOutcomeIsMarkedAndNoCopyLosesTheMark() {
    CallOutcome outcome =
        FaultConfig.failing(1, CallStatus.UNAVAILABLE, SendCertainty.ANSWERED).outcome();
    assertThat(outcome.isInjected()).isTrue();
    assertThat(outcome.withoutRetry().isInjected()).isTrue();
    assertThat(outcome.withRetryAfter(Duration.ofSeconds(1)).isInjected()).isTrue();
    assertThat(outcome).hasToString("UNAVAILABLE ANSWERED injected");
    assertThat(outcome).isNotEqualTo(CallOutcome.answered(CallStatus.UNAVAILABLE));
    assertThat(CallOutcome.answered(CallStatus.UNAVAILABLE).isInjected()).isFalse();
  }

  @Test
  void faultsAndSplitAreOffUntilTheyAreSet() {
    assertThat(CallPolicy.defaults().has(Part.FAULTS)).isFalse();
    assertThat(CallPolicy.defaults().has(Part.SPLIT)).isFalse();
    CallPolicy policy =
        CallPolicy.builder()
            .faults(FaultConfig.delaying(1, Duration.ofSeconds(1)))
            .split(TrafficSplit.of("v1", 1, "v2", 1))
            .build();
    assertThat(policy.has(Part.FAULTS)).isTrue();
    assertThat(policy.has(Part.SPLIT)).isTrue();
    CallPolicy without = policy.toBuilder().without(Part.FAULTS).without(Part.SPLIT).build();
    assertThat(without.has(Part.FAULTS)).isFalse();
    assertThat(without.has(Part.SPLIT)).isFalse();
    assertThat(without.faults()).isPresent();
    assertThat(FaultConfig.none().isActive()).isFalse();
  }
}
