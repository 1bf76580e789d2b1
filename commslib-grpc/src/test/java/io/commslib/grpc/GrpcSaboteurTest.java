package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.Idempotency;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallSaboteur;
import io.commslib.testkit.call.CallSaboteurContract;
import org.junit.jupiter.api.BeforeAll;

/** Each rule of the contract of call transports can fail on a real server. */
class GrpcSaboteurTest extends CallSaboteurContract {

  /** The first call of a process loads classes, which would take longer than a short time. */
  @BeforeAll
  static void warmUp() {
    try (CallHarness harness = new DirectHarness(GrpcSabotage.none())) {
      assertThat(harness.call(Idempotency.KEYED, null, "first").answer()).isEqualTo("first");
    }
  }

  @Override
  protected CallHarness createHarness(CallSaboteur saboteur) {
    return new DirectHarness(GrpcSaboteurs.of(saboteur));
  }
}
