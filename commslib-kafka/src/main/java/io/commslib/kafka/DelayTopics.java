package io.commslib.kafka;

import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * The topics in which deferred records of an unordered subscription wait for their next attempt.
 * There is one topic for each delay of the retry schedule, so that the records of each are in the
 * order in which they become due. A record is due once the delay has passed since the broker's
 * timestamp of its arrival. Reading of a partition stops at the first record that is not due, until
 * it is. For the poll thread.
 */
final class DelayTopics {

  private final Map<Duration, String> byDelay;
  private final Map<String, Duration> byTopic = new LinkedHashMap<>();
  private final Map<TopicPartition, Long> dueMillis = new HashMap<>();

  private DelayTopics(Map<Duration, String> byDelay) {
    this.byDelay = byDelay;
    byDelay.forEach((delay, topic) -> byTopic.put(topic, delay));
  }

  /**
   * Without topics if the subscription is ordered: there a message waits in its lane.
   *
   * @throws io.commslib.core.messaging.SubscribeException if the topic of a delay has no name
   */
  static DelayTopics of(SubscriptionConfig subscription, GroupNames names) {
    Map<Duration, String> topics = new LinkedHashMap<>();
    if (subscription.isUnordered()) {
      for (Duration delay : subscription.retry().delays()) {
        String topic =
            names.delay(delay).orElseThrow(() -> names.unnamed("delay " + delay, "delay"));
        topics.put(delay, topic);
      }
    }
    return new DelayTopics(topics);
  }

  List<String> topics() {
    return List.copyOf(byDelay.values());
  }

  /** The delay of each topic. */
  Map<String, Duration> delays() {
    return Collections.unmodifiableMap(byTopic);
  }

  /** Whether a topic is one of them. Allocates nothing. */
  boolean isDelay(String topic) {
    return byTopic.containsKey(topic);
  }

  /** The topic of a delay; empty if the schedule does not contain it. For any thread. */
  Optional<String> topic(Duration delay) {
    return Optional.ofNullable(byDelay.get(delay));
  }

  /** Whether a record may be handled; if not, its partition waits until the record is due. */
  boolean isDue(TopicPartition partition, ConsumerRecord<?, ?> record, long nowMillis) {
    Duration delay = byTopic.get(partition.topic());
    if (delay == null || record.timestamp() + delay.toMillis() <= nowMillis) {
      return true;
    }
    dueMillis.put(partition, record.timestamp() + delay.toMillis());
    return false;
  }

  /** Whether the next record of the partition is known and not due yet. */
  boolean isWaiting(TopicPartition partition, long nowMillis) {
    Long due = dueMillis.get(partition);
    if (due != null && due <= nowMillis) {
      dueMillis.remove(partition);
    }
    return due != null && due > nowMillis;
  }

  void forget(TopicPartition partition) {
    dueMillis.remove(partition);
  }
}
