package io.commslib.testkit.contract;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The catalogue of bad input that a message can carry: each row with the required outcome for its
 * records.
 */
final class BadInput {

  /** The shape of a good body. */
  record Order(String name, BigDecimal amount) {}

  static final String TYPE = "contract.order";

  /** The required outcome for a record. */
  enum Outcome {
    /** The record is dead-lettered without reaching the handler. */
    DEAD_LETTERED,
    /** The record reaches the handler without its bad part. */
    HANDLED,
    /** Either of both: a transport may accept or refuse the input. */
    EITHER
  }

  record Row(String name, Outcome outcome, List<RawRecord> records) {}

  private static final String GOOD_BODY = "{\"name\":\"n\",\"amount\":1.5}";

  private final String prefix;
  private final List<Row> rows = new ArrayList<>();
  private int ids;

  private BadInput(String prefix) {
    this.prefix = prefix;
  }

  static List<Row> catalogue(String attributePrefix) {
    BadInput input = new BadInput(attributePrefix);
    input.bodies();
    input.limits();
    input.types();
    input.ids();
    input.attributes();
    input.headers();
    input.keys();
    return input.rows;
  }

  private void bodies() {
    body("empty body", Outcome.DEAD_LETTERED, "");
    rows.add(
        new Row(
            "null body (tombstone)",
            Outcome.DEAD_LETTERED,
            List.of(withAttributes(RawRecord.of(bytes("k"), null)))));
    body("one byte", Outcome.DEAD_LETTERED, "{", "1", "\u0000");
    rows.add(
        new Row(
            "one byte that is no UTF-8",
            Outcome.DEAD_LETTERED,
            List.of(record(new byte[] {(byte) 0xff}))));
    body("only spaces", Outcome.DEAD_LETTERED, "   ");
    List<RawRecord> cuts = new ArrayList<>();
    byte[] whole = bytes(GOOD_BODY);
    for (int length = 1; length < whole.length; length++) {
      cuts.add(record(Arrays.copyOf(whole, length)));
    }
    rows.add(new Row("body cut at any byte", Outcome.DEAD_LETTERED, cuts));
    body("trailing garbage", Outcome.DEAD_LETTERED, GOOD_BODY + "x");
    body("two documents", Outcome.DEAD_LETTERED, GOOD_BODY + GOOD_BODY);
    byte[] invalid = bytes("{\"name\":\"?\",\"amount\":1}");
    invalid[9] = (byte) 0xc3;
    rows.add(new Row("invalid UTF-8 in a text", Outcome.DEAD_LETTERED, List.of(record(invalid))));
    body("lone surrogate", Outcome.EITHER, "{\"name\":\"\\ud800\",\"amount\":1}");
    body("byte order mark", Outcome.EITHER, "\ufeff" + GOOD_BODY);
    body("NUL in a text", Outcome.DEAD_LETTERED, "{\"name\":\"\u0000\",\"amount\":1}");
    body("right-to-left override in a text", Outcome.HANDLED, "{\"name\":\"\u202e\",\"amount\":1}");
  }

  private void limits() {
    body("depth 1,001 and 100,000", Outcome.DEAD_LETTERED, nested(1_001), nested(100_000));
    body("name of 60,000 characters", Outcome.DEAD_LETTERED, "{\"" + "n".repeat(60_000) + "\":1}");
    body("number of 1,000,001 digits", Outcome.DEAD_LETTERED, amount("1".repeat(1_000_001)));
    body("body over the limit", Outcome.DEAD_LETTERED, GOOD_BODY + " ".repeat(1_100_000));
    body("number 1e1000000000", Outcome.EITHER, amount("1e1000000000"));
  }

  private static String nested(int depth) {
    return "{\"unknown\":" + "[".repeat(depth) + "]".repeat(depth) + "}";
  }

  private static String amount(String number) {
    return "{\"name\":\"n\",\"amount\":" + number + "}";
  }

  private void types() {
    for (String type :
        List.of(
            "contract.unknown",
            "contract.order<script>",
            "java.lang.Runtime",
            "java.net.URL",
            "javax.naming.InitialContext",
            "[Ljava.lang.String;",
            "java.util.List<contract.order>",
            "CONTRACT.ORDER",
            "c\u043entract.order",
            "")) {
      attribute("type '" + type + "'", Outcome.DEAD_LETTERED, "type", type);
    }
    change("no type", Outcome.DEAD_LETTERED, record -> record.without(prefix + "type"));
    attribute("version 2", Outcome.DEAD_LETTERED, "dataversion", "2");
    attribute("version that is no number", Outcome.DEAD_LETTERED, "dataversion", "one");
  }

  private void ids() {
    change("no id", Outcome.DEAD_LETTERED, record -> record.without(prefix + "id"));
    attribute("empty id", Outcome.DEAD_LETTERED, "id", "");
    attribute("id of 66,000 characters", Outcome.DEAD_LETTERED, "id", "i".repeat(66_000));
    attribute("id of 200 characters", Outcome.HANDLED, "id", "i".repeat(200));
    attribute("id of 20,000 characters", Outcome.HANDLED, "id", "i".repeat(20_000));
    attribute("id with umlaut", Outcome.HANDLED, "id", "bestellung-\u00e4");
    attribute("id with a blank", Outcome.HANDLED, "id", "bestellung 17");
    attribute("id with a line break", Outcome.DEAD_LETTERED, "id", "a\nb");
    attribute("id with quotes and comment", Outcome.HANDLED, "id", "';--\"" + ids++);
  }

  private void attributes() {
    change("no CloudEvent", Outcome.DEAD_LETTERED, r -> r.without(prefix + "specversion"));
    attribute("CloudEvents 2.0", Outcome.DEAD_LETTERED, "specversion", "2.0");
    attribute("time without zone", Outcome.DEAD_LETTERED, "time", "2026-01-01T00:00:00");
    attribute(
        "time in year 292278994", Outcome.DEAD_LETTERED, "time", "+292278994-01-01T00:00:00Z");
    attribute("time before year 1", Outcome.DEAD_LETTERED, "time", "-0001-01-01T00:00:00Z");
    attribute("time in year 9000", Outcome.HANDLED, "time", "9000-01-01T00:00:00Z");
    attribute("traceparent that is none", Outcome.HANDLED, "traceparent", "00-zz-11-00");
    attribute("traceparent of 10 kB", Outcome.HANDLED, "traceparent", "0".repeat(10_000));
    attribute("source of 320 characters", Outcome.HANDLED, "source", "/" + "s".repeat(319));
    attribute("subject of 300 characters", Outcome.HANDLED, "subject", "s".repeat(300));
    attribute(
        "correlation id with blank and umlaut",
        Outcome.HANDLED,
        "correlationid",
        "vorgang 17 \u00e4");
    attribute("partition key of 300 characters", Outcome.HANDLED, "partitionkey", "k".repeat(300));
    change(
        "correlation id of bad UTF-8",
        Outcome.DEAD_LETTERED,
        record -> record.and(prefix + "correlationid", filled(255, (byte) 0xfe)));
  }

  private void headers() {
    change(
        "headers over 32 KiB",
        Outcome.DEAD_LETTERED,
        record -> repeat(record, 5, i -> "h" + i, "v".repeat(8_000)));
    change(
        "1,000 headers", Outcome.HANDLED, record -> repeat(record, 1_000, i -> "h" + i, "value"));
    change(
        "header of 9,000 characters",
        Outcome.HANDLED,
        record -> record.and("long", "v".repeat(9_000)));
    change("header with line breaks", Outcome.HANDLED, record -> record.and("inject", "a\r\nx: y"));
    change(
        "header names that differ in case only",
        Outcome.HANDLED,
        record -> record.and("tenant", "a").and("Tenant", "b").and("TENANT", "c"));
    change(
        "attributes twice",
        Outcome.HANDLED,
        record -> record.and(prefix + "type", "contract.unknown").and(prefix + "id", "other"));
    for (String attempt : List.of("-1", "0", "2147483648", "abc", "", "9".repeat(20_000))) {
      change(
          "attempt headers of others: '" + attempt.substring(0, Math.min(10, attempt.length())),
          Outcome.HANDLED,
          record ->
              record
                  .and("commslib-attempt", attempt)
                  .and("commslib-attempts", attempt)
                  .and("retry_topic-attempts", attempt)
                  .and("x-delivery-count", attempt)
                  .and("x-attempt", attempt));
    }
    change(
        "not-before and original-topic headers of others",
        Outcome.HANDLED,
        record ->
            record
                .and("retry_topic-backoff-timestamp", "9999999999999")
                .and("kafka_dlt-original-topic", "__consumer_offsets")
                .and("reply-to", "__consumer_offsets"));
  }

  private void keys() {
    key("no key", Outcome.HANDLED, null);
    key("empty key", Outcome.HANDLED, new byte[0]);
    key("key of 300 characters", Outcome.HANDLED, filled(300, (byte) 'k'));
    key("key of 100,000 bytes", Outcome.EITHER, filled(100_000, (byte) 'k'));
    key("key of an 8-byte number", Outcome.HANDLED, new byte[] {0, 0, 0, 0, 0, 0, 0, 7});
    key("key that is no UTF-8", Outcome.HANDLED, new byte[] {(byte) 0xff, 0, (byte) 0xc3});
  }

  private void body(String name, Outcome outcome, String... bodies) {
    rows.add(
        new Row(name, outcome, Arrays.stream(bodies).map(body -> record(bytes(body))).toList()));
  }

  private void attribute(String name, Outcome outcome, String attribute, String value) {
    change(
        name, outcome, record -> record.without(prefix + attribute).and(prefix + attribute, value));
  }

  private void change(String name, Outcome outcome, UnaryOperator<RawRecord> change) {
    rows.add(new Row(name, outcome, List.of(change.apply(record(bytes(GOOD_BODY))))));
  }

  private void key(String name, Outcome outcome, byte[] key) {
    rows.add(new Row(name, outcome, List.of(withAttributes(RawRecord.of(key, bytes(GOOD_BODY))))));
  }

  private RawRecord record(byte[] body) {
    return withAttributes(RawRecord.of(bytes("k"), body));
  }

  private RawRecord withAttributes(RawRecord record) {
    return record
        .and(prefix + "specversion", "1.0")
        .and(prefix + "id", "bad-" + ids++)
        .and(prefix + "type", TYPE)
        .and(prefix + "source", "/contract")
        .and("content-type", "application/json");
  }

  private static RawRecord repeat(
      RawRecord record, int times, java.util.function.IntFunction<String> name, String value) {
    RawRecord grown = record;
    for (int i = 0; i < times; i++) {
      grown = grown.and(name.apply(i), value);
    }
    return grown;
  }

  private static byte[] filled(int length, byte value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, value);
    return bytes;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
