package io.commslib.core.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CloudEventsEnvelopeTest {

  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final CloudEventsEnvelope envelope =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);

  private static Message full() {
    return Message.builder("order.placed")
        .id("id-1")
        .version(3)
        .source("/orders")
        .key("customer-7")
        .subject("order 9")
        .time(Instant.parse("2026-05-03T10:00:00.123Z"))
        .contentType("application/json")
        .body(new byte[] {1, 2, 3})
        .header("tenant", "blue \u00fc")
        .correlationId("corr")
        .causationId("cause")
        .traceparent(TRACE)
        .tracestate("vendor=1, other=2")
        .expiry(Instant.parse("2027-01-01T00:00:00Z"))
        .idempotencyKey("once")
        .build();
  }

  @Test
  void writesTheHeadersOfTheCloudEventsBinding() {
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("ce_specversion", "1.0");
    expected.put("ce_id", "id-1");
    expected.put("ce_source", "/orders");
    expected.put("ce_type", "order.placed");
    expected.put("ce_subject", "order 9");
    expected.put("ce_time", "2026-05-03T10:00:00.123Z");
    expected.put("ce_partitionkey", "customer-7");
    expected.put("ce_dataversion", "3");
    expected.put("ce_correlationid", "corr");
    expected.put("ce_causationid", "cause");
    expected.put("ce_traceparent", TRACE);
    expected.put("ce_tracestate", "vendor=1, other=2");
    expected.put("ce_expirytime", "2027-01-01T00:00:00Z");
    expected.put("ce_idempotencykey", "once");
    expected.put("content-type", "application/json");
    expected.put("tenant", "blue \u00fc");
    assertThat(envelope.write(full()).texts()).containsExactlyEntriesOf(expected);
    assertThat(new CloudEventsEnvelope(CloudEventsEnvelope.AMQP_PREFIX).write(full()).texts())
        .containsKeys("cloudEvents_specversion", "cloudEvents_id", "cloudEvents_partitionkey");
  }

  @Test
  void writesTheMarkOfAnExpiryThatLimitsCalls() {
    VirtualTime time = VirtualTime.create();
    Message question =
        CallContext.within(
            Deadline.after(Duration.ofMillis(2_500), time.time()),
            () -> Message.builder("q").id("id-1").source("/orders").withinCallDeadline().build());
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("ce_specversion", "1.0");
    expected.put("ce_id", "id-1");
    expected.put("ce_source", "/orders");
    expected.put("ce_type", "q");
    expected.put("ce_expirytime", "2026-01-01T00:00:02.500Z");
    expected.put("ce_expireswithcall", "true");
    expected.put("content-type", "application/octet-stream");
    assertThat(envelope.write(question).texts()).containsExactlyEntriesOf(expected);
    assertThat(envelope.read(envelope.write(question)).expiresWithCall()).isTrue();
    assertThat(envelope.write(question.toBuilder().build()).texts()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "ce_expireswithcall, false, 2027-01-01T00:00:00Z",
    "ce_expireswithcall, yes, 2027-01-01T00:00:00Z",
    "ce_expireswithcall, true, ",
    "expireswithcall, true, 2027-01-01T00:00:00Z"
  })
  void otherMarksAndThoseWithoutAnExpiryCountAsNone(String name, String mark, String expiry) {
    Map<String, String> headers = new LinkedHashMap<>(envelope.write(full()).texts());
    headers.put(name, mark);
    headers.remove("ce_expirytime");
    if (expiry != null) {
      headers.put("ce_expirytime", expiry);
    }
    Message read = envelope.read(new ForeignRecord("k", headers, new byte[0]));
    assertThat(read.expiresWithCall()).isFalse();
    assertThat(read.expiry().isPresent()).isEqualTo(expiry != null);
  }

  @Test
  void aTraceStateWithoutATraceIsOmittedAndSoIsAMalformedOne() {
    Map<String, String> headers = new LinkedHashMap<>(envelope.write(full()).texts());
    headers.put("ce_tracestate", "v".repeat(513));
    assertThat(envelope.read(new ForeignRecord("k", headers, new byte[0])).tracestate()).isEmpty();
    headers.put("ce_tracestate", "a\tb");
    assertThat(envelope.read(new ForeignRecord("k", headers, new byte[0])).tracestate()).isEmpty();
    headers.put("ce_tracestate", "v=1");
    headers.remove("ce_traceparent");
    assertThat(envelope.read(new ForeignRecord("k", headers, new byte[0])).tracestate()).isEmpty();
    assertThat(Message.builder("t").tracestate("v=1").build().tracestate()).isEmpty();
  }

  @Test
  void readsWhatItWrote() {
    Message read = envelope.read(envelope.write(full()));
    assertThat(envelope.write(read).texts()).isEqualTo(envelope.write(full()).texts());
    assertThat(read.body()).containsExactly(1, 2, 3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          ce_specversion || COMMS-CORE-021: ce_specversion: none (expected: 1.0, the header of a CloudEvent in binary mode)
          ce_specversion | 2.0 | COMMS-CORE-021: ce_specversion: '2.0' (expected: 1.0, the header of a CloudEvent in binary mode)
          ce_id || COMMS-CORE-022: id: none (expected: a header ce_id)
          ce_id | a\tb | COMMS-CORE-022: id: 'a?b' (expected: no control characters)
          ce_type || COMMS-CORE-023: type: none (expected: a header ce_type)
          ce_time | yesterday | COMMS-CORE-023: time: 'yesterday' (expected: a time as in RFC 3339, such as 2026-05-03T10:00:00Z)
          ce_dataversion | minus one | COMMS-CORE-023: version: 'minus one' (expected: 1..1000000)
          ce_dataversion | -1 | COMMS-CORE-023: version: -1 (expected: 1..1000000)
          ce_expirytime | +999999999-01-01T00:00:00Z | COMMS-CORE-023: expiry: +999999999-01-01T00:00:00Z (expected: years 0001..9999)
          """)
  void refusesInvalidAttributesWithCodeValueAndRule(String header, String value, String text) {
    Map<String, String> headers = new LinkedHashMap<>(envelope.write(full()).texts());
    if (value == null) {
      headers.remove(header);
    } else {
      headers.put(header, value);
    }
    assertThatThrownBy(() -> envelope.read(new ForeignRecord("k", headers, new byte[0])))
        .isInstanceOf(CodecException.class)
        .hasMessage(text);
  }

  @Test
  void refusesHugeIdsWithoutQuotingThem() {
    Map<String, String> headers = new LinkedHashMap<>(envelope.write(full()).texts());
    headers.put("ce_id", "x".repeat(1_000_000));
    assertThatThrownBy(() -> envelope.read(new ForeignRecord(null, headers, new byte[0])))
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void omitsForeignHeadersThatBreakTheRulesAndMalformedTraces() {
    Map<String, String> headers = new LinkedHashMap<>(envelope.write(full()).texts());
    headers.put("ce_traceparent", "garbage");
    headers.put("Weird Name", "x");
    headers.put("line", "a\r\nb");
    headers.put("Tenant", "second");
    headers.put("commslib-attempt", "99");
    Message read = envelope.read(new ForeignRecord("k", headers, new byte[0]));
    assertThat(read.traceparent()).isEmpty();
    assertThat(read.headers()).containsExactlyEntriesOf(Map.of("tenant", "blue \u00fc"));
  }

  @Test
  void deadLetterCausesAreShortenedReplacedAndRemovedByARedrive() {
    ForeignRecord original = envelope.write(full());
    ForeignRecord once =
        DeadLetterHeaders.add(original, Map.of("reason", "first", "stack", "s\n".repeat(10_000)));
    ForeignRecord twice = DeadLetterHeaders.add(once, Map.of("reason", "second", "attempts", "6"));
    DeadLetter letter = DeadLetterHeaders.read(twice, envelope);
    assertThat(once.texts().get("commslib-dlq-stack")).hasSize(4_096).doesNotContain("\n");
    assertThat(letter.reason()).isEqualTo("second");
    assertThat(letter.attempts()).isEqualTo(6);
    assertThat(letter.cause()).doesNotContainKey("stack");
    assertThat(letter.message().orElseThrow().id()).isEqualTo("id-1");
    ForeignRecord back = DeadLetterHeaders.redriven(DeadLetterHeaders.redriven(twice));
    assertThat(DeadLetterHeaders.redriveCount(back)).isEqualTo(2);
    assertThat(back.texts().keySet()).noneMatch(name -> name.startsWith("commslib-dlq-"));
  }

  @Test
  void deadLetterCausesHaveAtMostSixteenKibibytesInTotal() {
    Map<String, String> cause = new LinkedHashMap<>();
    for (int i = 0; i < 20; i++) {
      cause.put("field" + i, "\u20ac".repeat(5_000));
    }
    int bytes = 0;
    for (Map.Entry<String, String> header :
        DeadLetterHeaders.add(envelope.write(full()), cause).texts().entrySet()) {
      if (header.getKey().startsWith("commslib-dlq-")) {
        bytes += header.getKey().length();
        bytes += header.getValue().getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
      }
    }
    assertThat(bytes).isBetween(12 * 1024, 16 * 1024);
  }
}
