package io.commslib.core.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.OrderingKeys;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Events by the rules of CloudEvents, which admit more than this library publishes. */
class ReceivedEventsTest {

  private static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);

  private final Map<String, String> headers =
      new LinkedHashMap<>(
          Map.of("ce_specversion", "1.0", "ce_id", "1", "ce_type", "t", "ce_source", "/orders"));

  private Message read() {
    return ENVELOPE.read(new ForeignRecord(null, headers, new byte[0]));
  }

  /** As on Kafka, where header values are bytes. */
  private Message readBytes() {
    HeaderTexts.Builder texts = HeaderTexts.builder(headers.size());
    headers.forEach((name, value) -> texts.add(name, value.getBytes(StandardCharsets.UTF_8)));
    return ENVELOPE.read(new ForeignRecord(null, texts.build(), new byte[0]));
  }

  private static Message withKey(byte[] key) {
    ForeignRecord.Builder record = ForeignRecord.builder().key(key).body(new byte[0]);
    ENVELOPE
        .write(Message.builder("t").id("1").build())
        .headers()
        .forEach(header -> record.header(header.name(), header.value()));
    return ENVELOPE.read(record.build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bestellung-ä", "order 17", "x"})
  void headersOfAnEventOutsideTheRulesAreRead(String text) {
    String odd = text.equals("x") ? "x".repeat(200) : text;
    headers.put("ce_id", odd);
    headers.put("ce_type", odd);
    headers.put("ce_subject", "s".repeat(40_000));
    headers.put("tenant", "a");
    for (Message read : new Message[] {read(), readBytes()}) {
      assertThat(read.headers()).containsExactly(Map.entry("tenant", "a"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {129, 200, 65_536})
  void longTextsAreReadAsTheyAre(int length) {
    String text = "x".repeat(length);
    for (String name : new String[] {"id", "type", "source", "subject", "correlationid"}) {
      headers.put("ce_" + name, text);
    }
    headers.put("ce_causationid", text);
    headers.put("ce_idempotencykey", text);
    headers.put("content-type", text);
    for (Message read : new Message[] {read(), readBytes()}) {
      assertThat(read.id()).isEqualTo(text).isEqualTo(read.type()).isEqualTo(read.source());
      assertThat(read.subject()).contains(text).isEqualTo(read.correlationId());
      assertThat(read.causationId()).contains(text).isEqualTo(read.idempotencyKey());
      assertThat(read.contentType()).isEqualTo(text);
      assertThat(read.identity()).hasSizeLessThanOrEqualTo(400);
      assertThat(read.inboxKey()).hasSizeLessThanOrEqualTo(400);
      assertThat(read.toString()).hasSizeLessThan(400);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bestellung-ä", "order 17", "漢字", "\uD83D\uDE00", " ", "{\"a\":1}"})
  void anyTextIsAnIdAndACorrelationId(String text) {
    headers.put("ce_id", text);
    headers.put("ce_correlationid", text);
    headers.put("ce_type", text);
    for (Message read : new Message[] {read(), readBytes()}) {
      assertThat(read.id()).isEqualTo(text).isEqualTo(read.type());
      assertThat(read.correlationId()).contains(text);
      assertThat(read.identity().chars()).allMatch(c -> c > 0x1f && c != 0x7f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ce_id", "ce_type", "ce_source", "ce_subject", "ce_correlationid"})
  void emptyTextsControlCharactersAndMoreThanAnEventMayHaveAreRefused(String name) {
    for (String bad : new String[] {"", "a\nb", "\u0000", "x".repeat(65_537)}) {
      headers.put(name, bad);
      assertThatThrownBy(this::read).isInstanceOf(CodecException.class);
      assertThatThrownBy(this::readBytes)
          .isInstanceOf(CodecException.class)
          .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(300));
    }
  }

  @Test
  void aKeyThatIsNoTextHasAForm() {
    assertThat(withKey(new byte[0]).key()).contains("hex:");
    assertThat(withKey(new byte[] {0, 0, 0, 7}).key()).contains("hex:00000007");
    assertThat(withKey(new byte[] {(byte) 0xff}).key()).contains("hex:ff");
    assertThat(withKey("hex:ff".getBytes(StandardCharsets.UTF_8)).key())
        .contains("hex:6865783a6666");
    assertThat(withKey("bestellung-ä".getBytes(StandardCharsets.UTF_8)).key())
        .contains("bestellung-ä");
    byte[] large = "k".repeat(300).getBytes(StandardCharsets.UTF_8);
    assertThat(withKey(large).key()).contains(OrderingKeys.of(large));
  }

  /** On RabbitMQ the attribute is the only place of the key, and its bytes may be anything. */
  @Test
  void anAttributeThatIsNoTextHasTheFormOfTheKey() {
    byte[] binary = {(byte) 0xff, 0};
    HeaderTexts.Builder texts = HeaderTexts.builder(headers.size());
    headers.forEach(texts::add);
    ForeignRecord record =
        new ForeignRecord(null, texts.add("ce_partitionkey", binary).build(), new byte[0]);
    assertThat(ENVELOPE.read(record).key()).contains("hex:ff00");
    headers.put("ce_partitionkey", "");
    assertThat(read().key()).contains("hex:");
    headers.put("ce_partitionkey", "\uFFFD");
    assertThat(read().key()).contains("\uFFFD");
    assertThat(readBytes().key()).contains("\uFFFD");
  }

  @Test
  void theKeyOfEveryEventIsAKeyOfAnotherMessage() {
    for (String key :
        new String[] {"k".repeat(300), "\uD83D\uDE00".repeat(200), "plain", "hex:00"}) {
      headers.put("ce_partitionkey", key);
      String read = read().key().orElseThrow();
      assertThat(Message.builder("t").key(read).build().key()).contains(read);
      assertThat(readBytes().key()).contains(read);
    }
    headers.put("ce_partitionkey", "hex:00");
    assertThat(read().key()).as("as it was published").contains("hex:00");
  }

  @Test
  void aFollowUpOfAnyEventCanBePublished() {
    headers.put("ce_id", "bestellung-ä");
    headers.put("ce_correlationid", "vorgang 17");
    Message next = Message.builder("next").causedBy(read()).build();
    assertThat(next.violation()).isEmpty();
    assertThat(next.causationId().orElseThrow()).startsWith("sha256:").hasSize(71);
    assertThat(next.correlationId().orElseThrow()).startsWith("sha256:").hasSize(71);
    assertThat(Message.builder("t").causedBy(read()).build().correlationId())
        .as("the same for the same conversation")
        .isEqualTo(next.correlationId());
    headers.put("ce_id", "1");
    headers.put("ce_correlationid", "17");
    next = Message.builder("next").causedBy(read()).build();
    assertThat(next.causationId()).contains("1");
    assertThat(next.correlationId()).contains("17");
  }

  @Test
  void anEventOutsideTheRulesOfPublishingStatesWhy() {
    assertThat(read().violation()).isEmpty();
    headers.put("ce_id", "x".repeat(200));
    assertThat(read().violation().orElseThrow())
        .startsWith("id: 'xxx")
        .endsWith("(expected: 1..128 printable ASCII characters)");
    Message copy = read().toBuilder().header("a", "b").build();
    assertThat(copy.violation()).isPresent();
    assertThat(copy.toBuilder().id("2").build().violation()).isEmpty();
    assertThat(read().toBuilder().id("2").build().violation()).isEmpty();
  }
}
