package io.commslib.kafka;

import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.WireHeaders;
import io.commslib.core.spi.WireMessage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Wire messages to Kafka records and back: headers as UTF-8 text, the first of several of one name
 * counts.
 */
final class KafkaRecords {

  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

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

  /** Headers of the library's own are believed only where the library alone writes. */
  static WireMessage wire(
      ConsumerRecord<byte[], ?> record,
      @Nullable String key,
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
    return new WireMessage(key, headers.build(), body == null ? EMPTY : body);
  }

  static @Nullable String key(ConsumerRecord<byte[], ?> record) {
    return record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
  }
}
