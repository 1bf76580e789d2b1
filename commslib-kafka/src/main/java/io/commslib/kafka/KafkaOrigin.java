package io.commslib.kafka;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a received record that text can't represent: the bytes of its key, repeated headers,
 * headers whose value is null or binary, and whether it has a body.
 *
 * @param key the key; null if the record has none
 * @param headers the headers in their order
 * @param hasBody whether the record has a body; false for a tombstone
 */
record KafkaOrigin(byte @Nullable [] key, List<Header> headers, boolean hasBody) {

  static KafkaOrigin of(ConsumerRecord<byte[], ?> record) {
    List<Header> headers = new ArrayList<>();
    record.headers().forEach(headers::add);
    return new KafkaOrigin(record.key(), headers, record.value() != null);
  }
}
