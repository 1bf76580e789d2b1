package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;

class BodyDeserializerTest {

  private final BodyDeserializer deserializer = new BodyDeserializer();

  @Test
  void leavesABodyInTheArrayThatItWasReceivedIn() {
    ByteBuffer received = ByteBuffer.wrap(new byte[100], 40, 6).slice();

    assertThat(deserializer.deserialize("t", new RecordHeaders(), received)).isSameAs(received);
  }

  @Test
  void keepsATombstone() {
    assertThat(deserializer.deserialize("t", new RecordHeaders(), (ByteBuffer) null)).isNull();
    assertThat(deserializer.deserialize("t", (byte[]) null)).isNull();
  }
}
