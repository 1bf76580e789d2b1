package io.commslib.kafka;

import io.commslib.core.engine.LaneKeys;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import org.jspecify.annotations.Nullable;

/**
 * How the records of one topic of a subscription are read. Immutable.
 *
 * @param boundName name of the source topic
 * @param role the purpose of the topic
 * @param topicId the id of the topic, for records without an id of their own; null if not needed
 * @param format the destination's own format; null for that of the transport
 */
record ReadingRules(
    String boundName, TopicRole role, @Nullable String topicId, @Nullable MessageFormat format) {

  ReadingRules withTopicId(String id) {
    return new ReadingRules(boundName, role, id, format);
  }

  /** The key whose records keep their order; null for no order. */
  @Nullable String laneKey(KafkaDelivery delivery, byte @Nullable [] recordKey) {
    if (format == null) {
      return recordKey == null ? null : OrderingKeys.of(recordKey);
    }
    return LaneKeys.of(format, delivery.wire());
  }
}
