package io.commslib.kafka;

import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import io.commslib.core.wire.OrderingKeys;
import io.commslib.core.wire.WireHeaders;
import io.commslib.core.wire.WireMessage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Converts wire messages to Kafka records and back. A wire message has headers as UTF-8 text, and
 * only the first of several with one name. When it is written again, the rest is taken from the
 * record that it was read from.
 */
final class KafkaRecords {

  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

  private KafkaRecords() {}

  /** The record as it was received, except for headers that were changed since. */
  static ProducerRecord<byte[], byte[]> record(String topic, WireMessage wire) {
    KafkaOrigin origin = origin(wire);
    byte[] key = origin == null ? key(wire) : origin.key();
    boolean hasBody = origin == null || origin.hasBody();
    return record(topic, null, key, wire, hasBody ? wire.body() : null);
  }

  /** A record with the given key and body instead of the received ones. */
  static ProducerRecord<byte[], byte[]> record(
      String topic,
      @Nullable Integer partition,
      byte @Nullable [] key,
      WireMessage wire,
      byte @Nullable [] body) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, key, body);
    KafkaOrigin origin = origin(wire);
    if (origin == null) {
      wire.headers().forEach((name, value) -> record.headers().add(name, bytes(value)));
    } else {
      write(origin, wire.headers(), record.headers());
    }
    return record;
  }

  /** Writes the received bytes of each header that was not changed. */
  private static void write(KafkaOrigin origin, Map<String, String> current, Headers to) {
    Map<String, String> shown = new HashMap<>();
    for (Header header : origin.headers()) {
      if (header.value() != null) {
        shown.putIfAbsent(header.key(), text(header));
      }
    }
    Map<String, String> changed = new LinkedHashMap<>();
    current.forEach(
        (name, value) -> {
          if (!value.equals(shown.get(name))) {
            changed.put(name, value);
          }
        });
    for (Header header : origin.headers()) {
      String name = header.key();
      boolean kept =
          shown.containsKey(name) || current.containsKey(DeadLetterHeaders.CUT_HEADERS)
              ? current.containsKey(name) && !changed.containsKey(name)
              : !name.startsWith(CloudEventsEnvelope.RESERVED_PREFIX);
      if (kept) {
        to.add(header);
      }
    }
    changed.forEach((name, value) -> to.add(name, bytes(value)));
  }

  /** The record a wire message was read from, or null. */
  static @Nullable KafkaOrigin origin(WireMessage wire) {
    KafkaOrigin known = wire.origin(KafkaOrigin.class).orElse(null);
    if (known != null) {
      return known;
    }
    ConsumerRecord<?, ?> record = wire.origin(ConsumerRecord.class).orElse(null);
    if (record == null) {
      return null;
    }
    @SuppressWarnings("unchecked")
    ConsumerRecord<byte[], ?> received = (ConsumerRecord<byte[], ?>) record;
    return KafkaOrigin.of(received);
  }

  private static byte @Nullable [] key(WireMessage wire) {
    return wire.key().map(KafkaRecords::bytes).orElse(null);
  }

  /** Reads a record; headers of the library's own are kept only from a trusted topic. */
  static WireMessage wire(
      ConsumerRecord<byte[], ?> record,
      @Nullable String laneKey,
      @Nullable ByteBuffer body,
      boolean trusted) {
    Header[] received = record.headers().toArray();
    WireHeaders.Builder headers = WireHeaders.builder(received.length);
    for (Header header : received) {
      byte[] value = header.value();
      if (value != null
          && (trusted || !header.key().startsWith(CloudEventsEnvelope.RESERVED_PREFIX))) {
        headers.add(header.key(), value);
      }
    }
    String key = laneKey == null ? null : OrderingKeys.text(record.key(), laneKey);
    return new WireMessage(key, headers.build(), body == null ? EMPTY : body, record);
  }

  /** The key as text that is equal only for equal keys; null if the record has none. */
  static @Nullable String laneKey(ConsumerRecord<byte[], ?> record) {
    return record.key() == null ? null : OrderingKeys.of(record.key());
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Header header) {
    return new String(header.value(), StandardCharsets.UTF_8);
  }
}
