package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.Idempotency;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallTransportContract;
import org.junit.jupiter.api.BeforeAll;

/** The contract of call transports, on gRPC with nothing between channel and server. */
class DirectTransportTest extends CallTransportContract {

  /** The first call of a process loads classes, which would take longer than a short time. */
  @BeforeAll
  static void warmUp() {
    try (CallHarness harness = new DirectHarness(GrpcSabotage.none())) {
      assertThat(harness.call(Idempotency.KEYED, null, "first").answer()).isEqualTo("first");
    }
  }

  @Override
  protected CallHarness createHarness() {
    return new DirectHarness(GrpcSabotage.none());
  }
}
