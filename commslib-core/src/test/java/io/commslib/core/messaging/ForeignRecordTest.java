package io.commslib.core.messaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ForeignRecordTest {

  private static final byte[] RECORD = {9, 9, 1, 2, 3, 9};

  private final ForeignRecord inside =
      new ForeignRecord("k", Map.of("h", "v"), ByteBuffer.wrap(RECORD, 2, 3));

  @Test
  void readsABodyInsideItsRecord() {
    assertThat(inside.body()).containsExactly(1, 2, 3);
    assertThat(inside.body()).isSameAs(inside.body());
    assertThat(inside.bodyLength()).isEqualTo(3);
    assertThat(inside.bodyBuffer().array()).isSameAs(RECORD);
    assertThat(inside.sizeBytes()).isEqualTo(5);
  }

  @Test
  void keepsTheBodyWithOtherHeaders() {
    ForeignRecord other = inside.withTexts(Map.of("a", "b"));

    assertThat(other.body()).containsExactly(1, 2, 3);
    assertThat(other.bodyBuffer().array()).isSameAs(RECORD);
    assertThat(other.texts()).containsExactly(Map.entry("a", "b"));
  }

  @Test
  void returnsAnArrayOfItsOwnWithoutCopying() {
    byte[] body = {1, 2};

    assertThat(new ForeignRecord(null, Map.of(), body).body()).isSameAs(body);
    assertThat(new ForeignRecord(null, Map.of(), ByteBuffer.wrap(body)).body()).isSameAs(body);
  }

  @Test
  void copiesABodyWithoutAnArray() {
    ByteBuffer direct = ByteBuffer.allocateDirect(2).put(new byte[] {4, 5}).flip();

    assertThat(new ForeignRecord(null, Map.of(), direct).body()).containsExactly(4, 5);
    assertThat(new ForeignRecord(null, Map.of(), direct.asReadOnlyBuffer()).body())
        .containsExactly(4, 5);
  }

  @Test
  void aDecodedMessageReadsTheBodyInsideItsRecord() {
    CloudEventsEnvelope envelope = new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);
    ForeignRecord sent =
        envelope.write(Message.builder("t").key("k").body(new byte[] {1, 2, 3}).build());

    Message read =
        envelope.read(new ForeignRecord("k", sent.texts(), ByteBuffer.wrap(RECORD, 2, 3)));

    assertThat(read.body()).containsExactly(1, 2, 3);
    assertThat(read.bodyLength()).isEqualTo(3);
    assertThat(read.bodyView().isReadOnly()).isTrue();
    assertThat(read.bodyView().remaining()).isEqualTo(3);
    assertThat(read.sharedBodyBuffer().array()).isSameAs(RECORD);
    assertThat(read.sharedBody()).containsExactly(1, 2, 3);
    assertThat(read.toBuilder().build().body()).containsExactly(1, 2, 3);
  }
}
