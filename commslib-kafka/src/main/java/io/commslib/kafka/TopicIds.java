package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.SubscribeException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
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

  /** The limit of a request of the poll thread, which does not poll meanwhile. */
  static final Duration POLL_LIMIT = Duration.ofSeconds(3);

  private static final TopicIds UNUSED = new TopicIds(Duration.ZERO, (topics, limit) -> Map.of());

  /** Asks the broker. */
  interface Request {
    /** The ids of topics, within the limit; blocks. */
    Map<String, Uuid> ids(Set<String> topics, Duration limit);
  }

  private final Duration operationTimeout;
  private final Request request;

  private TopicIds(Duration operationTimeout, Request request) {
    this.operationTimeout = operationTimeout;
    this.request = request;
  }

  /** Ids for a format that may find none in a record; otherwise none are requested. */
  static TopicIds of(@Nullable MessageFormat format, Duration operationTimeout, Request request) {
    return format == null || format.alwaysFindsId()
        ? UNUSED
        : new TopicIds(operationTimeout, request);
  }

  boolean areNeeded() {
    return this != UNUSED;
  }

  /**
   * Asks the broker for the ids of topics. Blocks for {@link #POLL_LIMIT} at most; for the poll
   * thread.
   *
   * @throws KafkaException if an id can't be read now
   */
  Map<String, Uuid> of(Set<String> topics) {
    boolean isShort = operationTimeout.compareTo(POLL_LIMIT) < 0;
    Map<String, Uuid> ids = request.ids(topics, isShort ? operationTimeout : POLL_LIMIT);
    for (String topic : topics) {
      Uuid id = ids.get(topic);
      if (id == null || id.equals(Uuid.ZERO_UUID)) {
        throw new KafkaException("no id of topic " + topic);
      }
    }
    return ids;
  }

  /**
   * Returns the id of a topic, or null if none is needed. Blocks for the operation timeout at most.
   *
   * @throws SubscribeException {@code PERMANENT} if the broker has given the topic no id
   */
  @Nullable Uuid require(String topic) {
    if (!areNeeded()) {
      return null;
    }
    Uuid id = request.ids(Set.of(topic), operationTimeout).getOrDefault(topic, Uuid.ZERO_UUID);
    if (id.equals(Uuid.ZERO_UUID)) {
      throw new SubscribeException(
          "COMMS-KAFKA-016",
          FailureKind.PERMANENT,
          "topic "
              + topic
              + " id: none (expected: a broker that gives topics ids, or a format that finds an id in"
              + " each record or takes the topic's name)",
          null);
    }
    return id;
  }
}
