package io.commslib.kafka;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * A record as it was received, with what a text can't show: the bytes of its key, repeated headers,
 * headers whose value is null or no text, and whether it has a body at all.
 *
 * @param key null if it has none
 * @param headers in their order
 * @param hasBody false for a tombstone
 */
record KafkaOrigin(byte @Nullable [] key, List<Header> headers, boolean hasBody) {

  static KafkaOrigin of(ConsumerRecord<byte[], ?> record) {
    List<Header> headers = new ArrayList<>();
    record.headers().forEach(headers::add);
    return new KafkaOrigin(record.key(), headers, record.value() != null);
  }
}
