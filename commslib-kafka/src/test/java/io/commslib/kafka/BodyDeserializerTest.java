package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;

class BodyDeserializerTest {

  private static final byte[] BODY = "a body".getBytes(StandardCharsets.UTF_8);

  private final BodyDeserializer deserializer = new BodyDeserializer();

  @Test
  void leavesABodyInTheArrayOfItsRecord() {
    byte[] record = new byte[100];
    System.arraycopy(BODY, 0, record, 40, BODY.length);

    ByteBuffer read = read(ByteBuffer.wrap(record, 40, BODY.length).slice());

    assertThat(read.array()).isSameAs(record);
    assertThat(bytes(read)).isEqualTo(BODY);
  }

  @Test
  void copiesABodyThatWouldKeepAWholeFetchInMemory() {
    byte[] fetch = new byte[1_000_000];
    System.arraycopy(BODY, 0, fetch, 500_000, BODY.length);

    ByteBuffer read = read(ByteBuffer.wrap(fetch, 500_000, BODY.length));

    assertThat(read.array()).hasSize(BODY.length);
    assertThat(bytes(read)).isEqualTo(BODY);
  }

  @Test
  void copiesABodyOutsideOfTheHeap() {
    ByteBuffer direct = ByteBuffer.allocateDirect(BODY.length).put(BODY).flip();

    assertThat(read(direct).array()).isEqualTo(BODY);
  }

  @Test
  void keepsATombstone() {
    assertThat(deserializer.deserialize("t", new RecordHeaders(), (ByteBuffer) null)).isNull();
    assertThat(deserializer.deserialize("t", (byte[]) null)).isNull();
  }

  private ByteBuffer read(ByteBuffer data) {
    ByteBuffer read = deserializer.deserialize("t", new RecordHeaders(), data);
    assertThat(read).isNotNull();
    return read;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }
}
