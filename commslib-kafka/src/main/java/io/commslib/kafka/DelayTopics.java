package io.commslib.kafka;

import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * The topics in which the records of an unordered subscription wait for a delayed attempt: one for
 * each delay of its schedule, so that each is in the order in which its records are due. A record
 * is due when the broker's time of its arrival lies the delay behind. Of each partition the first
 * record that is not due yet is where reading stops until then. For the thread that polls.
 */
final class DelayTopics {

  private final Map<Duration, String> byDelay;
  private final Map<String, Duration> byTopic = new HashMap<>();
  private final Map<TopicPartition, Long> dueMillis = new HashMap<>();

  private DelayTopics(Map<Duration, String> byDelay) {
    this.byDelay = byDelay;
    byDelay.forEach((delay, topic) -> byTopic.put(topic, delay));
  }

  /** None if the subscription keeps order: there a message waits in its lane. */
  static DelayTopics of(SubscriptionConfig subscription) {
    Map<Duration, String> topics = new LinkedHashMap<>();
    if (subscription.isUnordered()) {
      for (Duration delay : subscription.retry().delays()) {
        topics.put(
            delay, KafkaNames.delay(subscription.destination(), subscription.group(), delay));
      }
    }
    return new DelayTopics(topics);
  }

  List<String> topics() {
    return List.copyOf(byDelay.values());
  }

  /** Empty for a delay that is not of the schedule. Immutable, for any thread. */
  Optional<String> topic(Duration delay) {
    return Optional.ofNullable(byDelay.get(delay));
  }

  /** Whether a record may be handled; if not, its partition is held until it may. */
  boolean isDue(TopicPartition partition, ConsumerRecord<?, ?> record, long nowMillis) {
    Duration delay = byTopic.get(partition.topic());
    if (delay == null || record.timestamp() + delay.toMillis() <= nowMillis) {
      return true;
    }
    dueMillis.put(partition, record.timestamp() + delay.toMillis());
    return false;
  }

  /** Whether the next record of the partition is known not to be due. */
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
