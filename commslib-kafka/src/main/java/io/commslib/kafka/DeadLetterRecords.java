package io.commslib.kafka;

import io.commslib.core.hash.Sha256;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Converts letters to records of a compacted topic and back. The key of such a record identifies
 * the letter, and a record without a body deletes it. The key of the original record is therefore
 * stored in a header, and another header marks an original without a body.
 */
final class DeadLetterRecords {

  private static final String ORIGINAL_KEY = CloudEventsEnvelope.RESERVED_PREFIX + "key";
  private static final String TOMBSTONE = CloudEventsEnvelope.RESERVED_PREFIX + "tombstone";
  private static final String SOURCE = CloudEventsEnvelope.RESERVED_PREFIX + "dlq-source";
  private static final String GROUP = CloudEventsEnvelope.RESERVED_PREFIX + "dlq-group";
  private static final byte[] YES = {'1'};

  private DeadLetterRecords() {}

  /** Converts a letter to a record. */
  static ProducerRecord<byte[], byte[]> write(
      String topic, @Nullable Integer partition, ForeignRecord wire, DeadLetter letter) {
    String identity = letter.message().isPresent() ? letter.identity() : "";
    String position = letter.cause().getOrDefault("position", "");
    if (identity.isEmpty()) {
      // A topic that is deleted and created again repeats positions.
      position += ' ' + Sha256.of(wire.body());
    }
    byte[] key = DeadLetterIndex.key(identity, letter.redriveCount(), position);
    ProducerRecord<byte[], byte[]> record =
        KafkaRecords.record(topic, partition, key, wire, wire.body());
    byte[] originalKey = wire.key().orElse(null);
    if (originalKey != null) {
      record.headers().add(ORIGINAL_KEY, originalKey);
    }
    if (!wire.hasBody()) {
      record.headers().add(TOMBSTONE, YES);
    }
    return record;
  }

  /**
   * Whether a record is a letter of a group. A topic that others write to has more: letters of
   * other groups, and records of other programs.
   */
  static boolean isOf(Destination source, String group, ConsumerRecord<byte[], byte[]> record) {
    return has(record, SOURCE, source.toString()) && has(record, GROUP, group);
  }

  private static boolean has(ConsumerRecord<byte[], byte[]> record, String name, String value) {
    for (Header header : record.headers().headers(name)) {
      if (Arrays.equals(header.value(), KafkaRecords.bytes(value))) {
        return true;
      }
    }
    return false;
  }

  /** Converts a record to the original message, with the cause of the letter in its headers. */
  static ForeignRecord read(
      ConsumerRecord<byte[], byte[]> record, ByteBuffer body, String boundName) {
    byte[] key = null;
    boolean hasBody = true;
    List<RecordHeader> headers = new ArrayList<>();
    for (Header header : record.headers()) {
      if (header.key().equals(ORIGINAL_KEY)) {
        key = header.value();
      } else if (header.key().equals(TOMBSTONE)) {
        hasBody = false;
      } else {
        headers.add(new RecordHeader(header.key(), header.value()));
      }
    }
    Map<String, String> shown =
        new LinkedHashMap<>(KafkaRecords.wire(record.headers(), null, null, body, true).texts());
    shown.remove(ORIGINAL_KEY);
    shown.remove(TOMBSTONE);
    String text = key == null ? null : OrderingKeys.text(key, OrderingKeys.of(key));
    return new ForeignRecord(text, shown, body, new KafkaOrigin(key, headers, hasBody, boundName));
  }
}
