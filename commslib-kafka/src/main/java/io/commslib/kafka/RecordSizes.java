package io.commslib.kafka;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * The largest records that the library writes to a topic. The broker compares its {@code
 * max.message.bytes} with a batch, which contains at least one whole record.
 */
final class RecordSizes {

  /**
   * Everything of a message but its body. A key has 256 characters, the headers of the application
   * have 32 Ki characters, and the attributes have 2 Ki, each of at most 3 bytes. That makes 104
   * KiB. The rest is for names, lengths, the batch, and data that grows when it is compressed.
   */
  static final int MESSAGE_ALLOWANCE = 128 * 1024;

  /**
   * What the library adds to a record that it writes to a topic of a group: 16 KiB of a dead
   * letter's cause, the key of the letter, and the history of a deferred retry.
   */
  static final int GROUP_ALLOWANCE = 32 * 1024;

  private RecordSizes() {}

  /** The limit of a topic that messages are published to. */
  static int topic(int maxMessageBytes) {
    return maxMessageBytes + MESSAGE_ALLOWANCE;
  }

  /** The bytes of key, headers and body. */
  static long of(ProducerRecord<byte[], byte[]> record) {
    long bytes = length(record.key()) + length(record.value());
    for (Header header : record.headers()) {
      bytes += KafkaRecords.bytes(header.key()).length + length(header.value());
    }
    return bytes;
  }

  private static long length(byte @Nullable [] bytes) {
    return bytes == null ? 0 : bytes.length;
  }

  /** The limit of a topic of a group, whose source topic accepts records up to its own limit. */
  static int groupTopic(int sourceLimit) {
    return (int) Math.min(Integer.MAX_VALUE, (long) sourceLimit + GROUP_ALLOWANCE);
  }
}
