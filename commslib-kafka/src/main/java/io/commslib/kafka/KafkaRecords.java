package io.commslib.kafka;

import io.commslib.core.spi.WireMessage;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Wire messages to Kafka records and back: headers as UTF-8 text, the first of several of one name
 * counts.
 */
final class KafkaRecords {

  private static final byte[] EMPTY = new byte[0];

  private KafkaRecords() {}

  static ProducerRecord<byte[], byte[]> record(String topic, WireMessage wire) {
    byte[] key = wire.key().map(text -> text.getBytes(StandardCharsets.UTF_8)).orElse(null);
    return record(topic, key, wire);
  }

  static ProducerRecord<byte[], byte[]> record(
      String topic, byte @Nullable [] key, WireMessage wire) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, wire.body());
    wire.headers()
        .forEach(
            (name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
    return record;
  }

  static WireMessage wire(ConsumerRecord<byte[], byte[]> record) {
    Map<String, String> headers = new LinkedHashMap<>();
    for (Header header : record.headers()) {
      if (header.value() != null) {
        headers.putIfAbsent(header.key(), new String(header.value(), StandardCharsets.UTF_8));
      }
    }
    return new WireMessage(key(record), headers, record.value() == null ? EMPTY : record.value());
  }

  static @Nullable String key(ConsumerRecord<byte[], byte[]> record) {
    return record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
  }
}
