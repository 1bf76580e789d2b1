package io.commslib.core.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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

  @Test
  void showsEveryHeaderAsItWasReceivedAndTheTextsOfTheFirst() {
    byte[] noText = {(byte) 0xff};
    ForeignRecord record =
        ForeignRecord.builder()
            .header("A", "one".getBytes(StandardCharsets.UTF_8))
            .header("a", noText)
            .header("A", "two".getBytes(StandardCharsets.UTF_8))
            .header("none", null)
            .header("number", 7)
            .header("table", Map.of("x", 1))
            .build();

    assertThat(record.headers())
        .extracting(RecordHeader::name)
        .containsExactly("A", "a", "A", "none", "number", "table");
    assertThat(record.headers().get(1).bytes()).contains(noText);
    assertThat(record.headers().get(1).text()).isEmpty();
    assertThat(record.headers().get(4).value()).isEqualTo(7);
    assertThat(record.texts()).containsOnlyKeys("A", "a", "number");
    assertThat(record.texts()).containsEntry("A", "one").containsEntry("number", "7");
  }

  @Test
  void distinguishesAMissingBodyOrKeyFromAnEmptyOne() {
    ForeignRecord nothing = ForeignRecord.builder().build();
    ForeignRecord empty = ForeignRecord.builder().key(new byte[0]).body(new byte[0]).build();

    assertThat(nothing.hasBody()).isFalse();
    assertThat(nothing.key()).isEmpty();
    assertThat(empty.hasBody()).isTrue();
    assertThat(empty.key().orElseThrow()).isEmpty();
  }

  @Test
  void keepsTheAssignedIdOfAnEarlierDelivery() {
    ForeignRecord first = ForeignRecord.builder().assignedId("t-0-7").build();
    ForeignRecord again = first.withTexts(Map.of(ForeignRecord.RECORD_ID, "t-0-3"));

    assertThat(first.assignedId()).contains("t-0-7");
    assertThat(again.assignedId()).contains("t-0-3");
    assertThat(again.headers()).as("headers of the library").isEmpty();
  }

  @Test
  void refusesAHeaderOfTheLibrary() {
    assertThatThrownBy(() -> ForeignRecord.builder().header("commslib-x", "1"))
        .hasMessageContaining("commslib-x");
  }
}
