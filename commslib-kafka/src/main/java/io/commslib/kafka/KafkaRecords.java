package io.commslib.kafka;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.checks.Utf8;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import io.commslib.core.wire.DeadLetterHeaders;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Converts records to those of the client and back. A record shows headers as UTF-8 text, and only
 * the first of several with one name. When it is written again, the rest is taken from the record
 * that it was read from.
 */
final class KafkaRecords {

  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

  private KafkaRecords() {}

  /** The record as it was received, except for headers that were changed since. */
  static ProducerRecord<byte[], byte[]> record(String topic, ForeignRecord wire) {
    return record(topic, null, wire.key().orElse(null), wire, wire.hasBody() ? wire.body() : null);
  }

  /** A record with the given key and body instead of the received ones. */
  static ProducerRecord<byte[], byte[]> record(
      String topic,
      @Nullable Integer partition,
      byte @Nullable [] key,
      ForeignRecord wire,
      byte @Nullable [] body) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, key, body);
    RecordOrigin origin = wire.origin(RecordOrigin.class).orElse(null);
    if (origin == null) {
      wire.texts().forEach((name, value) -> record.headers().add(name, bytes(value)));
    } else {
      write(origin, wire.texts(), record.headers());
    }
    return record;
  }

  /** Writes the received bytes of each header that was not changed. */
  private static void write(RecordOrigin origin, Map<String, String> current, Headers to) {
    List<RecordHeader> received = origin.headers();
    Map<String, String> shown = new HashMap<>();
    for (RecordHeader header : received) {
      byte[] value = value(header);
      if (value != null) {
        shown.putIfAbsent(header.name(), Utf8.decode(value));
      }
    }
    Map<String, String> changed = new LinkedHashMap<>();
    current.forEach(
        (name, value) -> {
          if (!value.equals(shown.get(name))) {
            changed.put(name, value);
          }
        });
    for (RecordHeader header : received) {
      String name = header.name();
      boolean kept =
          shown.containsKey(name) || current.containsKey(DeadLetterHeaders.CUT_HEADERS)
              ? current.containsKey(name) && !changed.containsKey(name)
              : !ForeignRecord.isReserved(name);
      if (kept) {
        to.add(name, value(header));
      }
    }
    changed.forEach((name, value) -> to.add(name, bytes(value)));
  }

  /** The bytes of a header; null if it has no value. */
  private static byte @Nullable [] value(RecordHeader header) {
    Object value = header.value();
    if (value == null || value instanceof byte[]) {
      return (byte[]) value;
    }
    return bytes(
        header
            .text()
            .orElseThrow(
                () ->
                    new CodecException(
                        "COMMS-CORE-027",
                        "header "
                            + Checks.shorten(header.name())
                            + ": "
                            + value.getClass().getName()
                            + " (expected: bytes, a string, a number or a boolean)",
                        null)));
  }

  /** Reads a record; headers of the library's own are kept only from a trusted topic. */
  static ForeignRecord wire(
      Headers recordHeaders,
      @Nullable String keyText,
      @Nullable RecordOrigin origin,
      @Nullable ByteBuffer body,
      boolean trusted) {
    Header[] received = recordHeaders.toArray();
    HeaderTexts.Builder headers = HeaderTexts.builder(received.length);
    for (Header header : received) {
      byte[] value = header.value();
      if (value != null && (trusted || !ForeignRecord.isReserved(header.key()))) {
        headers.add(header.key(), value);
      }
    }
    return new ForeignRecord(keyText, headers.build(), body == null ? EMPTY : body, origin);
  }

  static @Nullable String keyText(byte @Nullable [] key) {
    return key == null ? null : OrderingKeys.text(key, OrderingKeys.of(key));
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
