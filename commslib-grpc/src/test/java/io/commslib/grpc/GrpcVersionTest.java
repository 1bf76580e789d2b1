package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CommsException;
import io.grpc.ClientStreamTracer;
import org.junit.jupiter.api.Test;

class GrpcVersionTest {

  /** The method is the one that versions before 1.77 lack. */
  @Test
  void anOlderVersionIsRejected() {
    assertThatThrownBy(() -> GrpcVersion.check(Object.class))
        .isInstanceOf(CommsException.class)
        .hasMessage("COMMS-GRPC-005: grpc-java: older than 1.77 (expected: 1.77.0 or newer)");
    assertThatCode(() -> GrpcVersion.check(ClientStreamTracer.StreamInfo.class))
        .doesNotThrowAnyException();
  }
}
