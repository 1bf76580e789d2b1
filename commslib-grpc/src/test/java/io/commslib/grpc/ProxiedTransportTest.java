package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.Idempotency;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallTransportContract;
import java.io.IOException;
import org.junit.jupiter.api.BeforeAll;

/** The contract of call transports, on gRPC over a proxy that breaks connections. */
class ProxiedTransportTest extends CallTransportContract {

  /** The first call of a process loads classes, which would take longer than a short time. */
  @BeforeAll
  static void warmUp() throws IOException {
    try (CallHarness harness = new ProxiedHarness(GrpcSabotage.none())) {
      assertThat(harness.call(Idempotency.KEYED, null, "first").answer()).isEqualTo("first");
    }
  }

  @Override
  protected CallHarness createHarness() throws IOException {
    return new ProxiedHarness(GrpcSabotage.none());
  }
}
