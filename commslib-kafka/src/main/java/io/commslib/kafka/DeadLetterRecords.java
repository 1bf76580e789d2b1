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
 * Converts letters to records of a compacted topic and back. The key of such a record identifies
 * the letter, and a record without a body deletes it. The key of the original record is therefore
 * stored in a header, and another header marks an original without a body.
 */
final class DeadLetterRecords {

  private static final String ORIGINAL_KEY = CloudEventsEnvelope.RESERVED_PREFIX + "key";
  private static final String TOMBSTONE = CloudEventsEnvelope.RESERVED_PREFIX + "tombstone";
  private static final byte[] YES = {'1'};

  private DeadLetterRecords() {}

  /** Converts a letter to a record. */
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

  /** Converts a record to the original message, with the cause of the letter in its headers. */
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
