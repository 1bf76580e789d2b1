package io.commslib.jackson;

import static io.commslib.core.format.ValueSource.assignedId;
import static io.commslib.core.format.ValueSource.body;
import static io.commslib.core.format.ValueSource.header;
import static io.commslib.core.format.ValueSource.property;
import static io.commslib.core.format.ValueSource.recordKey;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.CodecException;
import io.commslib.core.format.ConfluentFormat;
import io.commslib.core.format.DebeziumFormat;
import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.format.SpringFormat;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever a record contains, a format of the library reads a message whose every attribute can be
 * read, or refuses the record with a code. It never fails otherwise.
 */
class HostileRecordsTest {

  private static final int RECORDS = Integer.getInteger("commslib.hostileRecords", 1_000);

  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "/",
          "1.0",
          "2026-05-03T10:00:00Z",
          "+999999999-12-31T23:59:59-18:00",
          "-1",
          "999999999999999",
          "order.created",
          "\ud800",
          "\ud83d\ude80",
          "\u0000\u0007\u007f\u0085\u2028\ufffd",
          "a:b:c",
          "hex:6b",
          "sha256:x",
          "i".repeat(128),
          "\u00e4".repeat(300),
          "x".repeat(70_000),
          "com.acme.OrderCreated");

  private static final List<String> NAMES =
      List.of(
          "",
          "id",
          "ID",
          "type",
          "kind",
          "time",
          "content-type",
          "traceparent",
          "eventType",
          "__TypeId__",
          "__ContentTypeId__",
          "ce_specversion",
          "ce_id",
          "ce_source",
          "ce_type",
          "ce_partitionkey",
          "ce_time",
          ForeignRecord.ROW_HEADERS,
          "\u00e4\u0000",
          "n".repeat(32_768));

  private static final List<String> LINES =
      List.of(
          "ce_specversion:1.0",
          "ce_id:m-1",
          "ce_source:/shop",
          "ce_source:/",
          "ce_type:order.created",
          "ce_dataversion:0",
          "ce_dataversion:two",
          "ce_time:never",
          "tenant:north",
          "Tenant:north",
          ":",
          "commslib-record-id:x");

  private static final List<String> JSON =
      List.of(
          "{}",
          "[]",
          "null",
          "7",
          "\"\\ud800\"",
          "{\"id\":1e999}",
          "{\"id\":\"\\ud800\",\"key\":\"\\u0000\",\"time\":true,\"type\":\"order.created\"}",
          "{\"id\":{},\"key\":[]}",
          "{\"id\":1,\"id\":2}",
          "{\"id\":\"e-1\",\"key\":\"k\",\"type\":\"order.created\",\"time\":1}",
          "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"data_base64\":\"?\"}",
          "{\"specversion\":1,\"id\":\"\",\"source\":null,\"type\":\"t\",\"partitionkey\":7}",
          "{\"messageId\":\"m\",\"messageType\":[\"urn:a\"],\"message\":{\"k\":\"\\udfff\"},"
              + "\"headers\":{\"\":\"x\",\"A\":1},\"sentTime\":\"0000-01-01T00:00:00Z\"}",
          "{\"messageId\":\"m\",\"messageType\":[{}],\"message\":null}",
          "{\"messageId\":\"m\",\"messageType\":[\"urn:a\"],\"message\":{\"k\":1}}",
          "{\"messageId\":\"m\",\"messageType\":[\"urn:a\"],\"message\":{},"
              + "\"sentTime\":\"never\"}",
          "[".repeat(2_000));

  static List<MessageFormat> formats() {
    Map<String, String> types = Map.of("com.acme.OrderCreated", "order.created");
    return List.of(
        PlainFormat.json().type("order.created").build(),
        PlainFormat.json()
            .type(body("/type").or(header("kind")))
            .id(body("/id").or(assignedId()))
            .key(body("/key").or(recordKey()))
            .time(body("/time"))
            .correlationId(header("id"))
            .tombstone("order.deleted")
            .build(),
        PlainFormatBuilder.bytes("text/plain")
            .type(header("type"))
            .source(header("ce_source"))
            .id(header("id"))
            .key(header("kind"))
            .time(header("time"))
            .build(),
        SpringFormat.kafka(types).build(),
        SpringFormat.amqp(types).correlationId(property("type")).build(),
        DebeziumFormat.router(),
        DebeziumFormat.router(PlainFormat.json().type("order.created").build()),
        ConfluentFormat.schemas("a/b", Map.of(0, new ConfluentFormat.Schema("t", 1))).build(),
        MassTransitFormat.of(Map.of("urn:a", "order.created")),
        MassTransitFormat.of(Map.of("urn:a", "order.created")).key("/k"),
        CloudEventsJson.create(),
        new CloudEventsEnvelope("ce_", CloudEventsJson.create()));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aRecordIsReadOrRefusedWithACode(MessageFormat format) {
    Random random = new Random(7);
    int read = 0;
    for (int i = 0; i < RECORDS; i++) {
      ForeignRecord record = record(random);
      assertThat(format.needs(NAMES.get(i % NAMES.size()))).isIn(true, false);
      key(format, record);
      try {
        assertReadable(format.read(record));
        read++;
      } catch (CodecException e) {
        assertThat(e.code()).matches("COMMS-(CORE|JACKSON)-[0-9]{3}");
        assertThat(e.getMessage()).hasSizeLessThan(1_000);
      }
    }
    assertThat(read).as("not all are refused").isPositive();
  }

  private static void key(MessageFormat format, ForeignRecord record) {
    try {
      format.orderingKey(record).ifPresent(key -> assertThat(key).hasSizeBetween(1, 256));
    } catch (CodecException e) {
      assertThat(e.code()).startsWith("COMMS-");
    }
  }

  private static void assertReadable(Message message) {
    assertThat(message.id()).isNotEmpty();
    assertThat(message.type()).isNotEmpty();
    assertThat(message.source()).isNotEmpty();
    assertThat(message.identity()).hasSizeBetween(1, 400);
    assertThat(message.inboxKey()).hasSizeBetween(1, 400);
    assertThat(message.contentType()).isNotEmpty();
    assertThat(message.version()).isPositive();
    assertThat(message.body()).hasSize(message.bodyLength()).isEqualTo(message.sharedBody());
    List<Object> rest = new ArrayList<>(List.of(message.key(), message.subject(), message.time()));
    rest.addAll(List.of(message.correlationId(), message.causationId(), message.traceparent()));
    rest.addAll(List.of(message.expiry(), message.deliverAt(), message.violation()));
    rest.add(message.idempotencyKey());
    assertThat(rest).hasSize(10);
    Message.Builder copy = Message.builder("t");
    message.headers().forEach(copy::header);
    message.time().ifPresent(copy::time);
    message.expiry().ifPresent(copy::expiry);
    copy.build();
    assertThat(message.toString()).hasSizeLessThan(2_000);
  }

  private static ForeignRecord record(Random random) {
    if (random.nextInt(4) == 0) {
      return withTexts(random);
    }
    ForeignRecord.Builder record = ForeignRecord.builder();
    if (random.nextBoolean()) {
      record.key(bytes(random));
    }
    if (random.nextInt(4) == 0) {
      for (String name : List.of("ce_specversion", "ce_id", "ce_source", "ce_type")) {
        record.header(name, "1.0");
      }
      record.header(SpringFormat.TYPE_ID, "com.acme.OrderCreated");
    }
    for (int i = random.nextInt(8); i > 0; i--) {
      String name = one(NAMES, random);
      if (!name.isEmpty()) {
        record.header(name, value(name, random));
      }
    }
    if (random.nextInt(20) == 0) {
      // Each fits a message, but not all together.
      for (int i = 0; i < 5; i++) {
        record.header("long-" + i, "v".repeat(8_000));
      }
    }
    for (String name : List.of("message-id", "type", "correlation-id")) {
      if (random.nextInt(3) == 0) {
        record.property(name, one(TEXTS, random));
      }
    }
    if (random.nextInt(10) > 0) {
      record.body(bytes(random));
    }
    if (random.nextBoolean()) {
      record.boundName("orders").assignedId("assigned");
    }
    return record.build();
  }

  /** As an adapter without an origin makes it: any name, and the first of each. */
  private static ForeignRecord withTexts(Random random) {
    Map<String, String> headers = new LinkedHashMap<>();
    for (int i = random.nextInt(8); i > 0; i--) {
      String name = one(NAMES, random);
      headers.put(name, name.equals(ForeignRecord.ROW_HEADERS) ? row(random) : one(TEXTS, random));
    }
    return new ForeignRecord(
        random.nextBoolean() ? null : one(TEXTS, random), headers, bytes(random));
  }

  private static Object value(String name, Random random) {
    if (name.equals(ForeignRecord.ROW_HEADERS) && random.nextInt(4) > 0) {
      return row(random).getBytes(StandardCharsets.UTF_8);
    }
    return switch (random.nextInt(6)) {
      case 0 -> null;
      case 1 -> bytes(random);
      case 2 -> random.nextLong();
      case 3 -> List.of("a", Map.of());
      default -> one(TEXTS, random).getBytes(StandardCharsets.UTF_8);
    };
  }

  private static String row(Random random) {
    StringBuilder row = new StringBuilder();
    for (String line : LINES) {
      if (random.nextInt(8) > (LINES.indexOf(line) < 5 && !line.endsWith(":/") ? 0 : 5)) {
        row.append(line).append('\n');
      }
    }
    return row.toString();
  }

  private static byte[] bytes(Random random) {
    byte[] bytes;
    switch (random.nextInt(4)) {
      case 0 -> {
        bytes = new byte[random.nextInt(64)];
        random.nextBytes(bytes);
      }
      case 1 -> bytes = new byte[random.nextInt(9)];
      default -> bytes = one(JSON, random).getBytes(StandardCharsets.UTF_8);
    }
    if (bytes.length > 0 && random.nextInt(4) == 0) {
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return bytes;
  }

  private static <T> T one(List<T> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }
}
