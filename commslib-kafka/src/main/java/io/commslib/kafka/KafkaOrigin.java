package io.commslib.kafka;

import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a record that text can't represent: the bytes of its key, repeated headers, headers
 * whose value is null or binary, and whether it has a body.
 *
 * @param key the key; null if the record has none
 * @param headers the headers in their order
 * @param hasBody whether the record has a body; false for a tombstone
 * @param boundName name of the source topic
 */
record KafkaOrigin(
    byte @Nullable [] key, List<RecordHeader> headers, boolean hasBody, String boundName)
    implements RecordOrigin {

  static KafkaOrigin of(ConsumerRecord<byte[], ?> record, String boundName) {
    return new KafkaOrigin(
        record.key(), headers(record.headers()), record.value() != null, boundName);
  }

  static List<RecordHeader> headers(Headers received) {
    List<RecordHeader> headers = new ArrayList<>();
    for (Header header : received) {
      headers.add(new RecordHeader(header.key(), header.value()));
    }
    return headers;
  }
}
