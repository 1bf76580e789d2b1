package io.commslib.kafka;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.OrderingKeys;
import io.commslib.core.wire.WireMessage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;

/**
 * How a letter is stored in a compacted topic, where the record's key names the letter and a record
 * without body would remove it: the key of the original travels in a header, and a header says that
 * it had no body.
 */
final class DeadLetterRecords {

  private static final String ORIGINAL_KEY = CloudEventsEnvelope.RESERVED_PREFIX + "key";
  private static final String TOMBSTONE = CloudEventsEnvelope.RESERVED_PREFIX + "tombstone";
  private static final byte[] YES = {'1'};

  private DeadLetterRecords() {}

  /** Writes a letter. */
  static ProducerRecord<byte[], byte[]> write(
      String topic, @Nullable Integer partition, WireMessage wire, DeadLetter letter) {
    String identity = letter.message().isPresent() ? letter.identity() : "";
    String position = letter.cause().getOrDefault("position", "");
    byte[] key = DeadLetterIndex.key(identity, letter.redriveCount(), position);
    ProducerRecord<byte[], byte[]> record =
        KafkaRecords.record(topic, partition, key, wire, wire.body());
    KafkaOrigin origin = KafkaRecords.origin(wire);
    byte[] originalKey =
        origin != null ? origin.key() : wire.key().map(KafkaRecords::bytes).orElse(null);
    if (originalKey != null) {
      record.headers().add(new RecordHeader(ORIGINAL_KEY, originalKey));
    }
    if (origin != null && !origin.hasBody()) {
      record.headers().add(new RecordHeader(TOMBSTONE, YES));
    }
    return record;
  }

  /** Reads a letter, with its cause in its headers, as the original was received. */
  static WireMessage read(ConsumerRecord<byte[], byte[]> record, ByteBuffer body) {
    byte[] key = null;
    boolean hasBody = true;
    List<Header> headers = new ArrayList<>();
    for (Header header : record.headers()) {
      if (header.key().equals(ORIGINAL_KEY)) {
        key = header.value();
      } else if (header.key().equals(TOMBSTONE)) {
        hasBody = false;
      } else {
        headers.add(header);
      }
    }
    Map<String, String> shown =
        new LinkedHashMap<>(KafkaRecords.wire(record, null, body, true).headers());
    shown.remove(ORIGINAL_KEY);
    shown.remove(TOMBSTONE);
    String text = key == null ? null : OrderingKeys.text(key, OrderingKeys.of(key));
    return new WireMessage(text, shown, body, new KafkaOrigin(key, headers, hasBody));
  }
}
