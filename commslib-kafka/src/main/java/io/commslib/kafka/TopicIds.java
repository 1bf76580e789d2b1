package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.SubscribeException;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * The ids that the broker gave the topics of a subscription. A record without an id of its own is
 * identified by the id of its topic, its partition and its offset. A topic that is deleted and
 * created again repeats offsets, but has another id. A record does not carry the id of its topic,
 * so the broker is asked whenever the consumer gets a position.
 */
final class TopicIds {

  private static final TopicIds UNUSED = new TopicIds(topics -> Map.of());

  private final Function<Set<String>, Map<String, Uuid>> describe;

  private TopicIds(Function<Set<String>, Map<String, Uuid>> describe) {
    this.describe = describe;
  }

  /** Ids for a format that may find none in a record; otherwise none are requested. */
  static TopicIds of(
      @Nullable MessageFormat format, Function<Set<String>, Map<String, Uuid>> describe) {
    return format == null || format.alwaysFindsId() ? UNUSED : new TopicIds(describe);
  }

  boolean areNeeded() {
    return this != UNUSED;
  }

  /**
   * Asks the broker for the ids of topics. Blocks.
   *
   * @throws KafkaException if an id can't be read now
   */
  Map<String, Uuid> of(Set<String> topics) {
    Map<String, Uuid> ids = describe.apply(topics);
    for (String topic : topics) {
      Uuid id = ids.get(topic);
      if (id == null || id.equals(Uuid.ZERO_UUID)) {
        throw new KafkaException("no id of topic " + topic);
      }
    }
    return ids;
  }

  /**
   * Checks that the broker has given the topic an id.
   *
   * @throws SubscribeException {@code PERMANENT} if it has not
   */
  void check(String topic) {
    if (areNeeded()
        && describe
            .apply(Set.of(topic))
            .getOrDefault(topic, Uuid.ZERO_UUID)
            .equals(Uuid.ZERO_UUID)) {
      throw new SubscribeException(
          "COMMS-KAFKA-016",
          FailureKind.PERMANENT,
          "topic "
              + topic
              + " id: none (expected: a broker that gives topics ids, or a format that finds an id in"
              + " each record or takes the topic's name)",
          null);
    }
  }
}
