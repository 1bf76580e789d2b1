package io.commslib.kafka;

import io.commslib.core.messaging.MessageFormat;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/** The topics that a subscription reads, each with its role. */
final class SubscribedTopics {

  private final String source;
  private final @Nullable String redrive;
  private final DelayTopics delays;
  private final int firstPartitions;
  private final Map<TopicRole, ReadingRules> rules = new EnumMap<>(TopicRole.class);

  /** Creates the topics of a subscription, to whose source no partitions are added. */
  SubscribedTopics(
      String source, @Nullable String redrive, DelayTopics delays, @Nullable MessageFormat format) {
    this(source, redrive, delays, format, Integer.MAX_VALUE);
  }

  /**
   * Creates the topics of a subscription.
   *
   * @param redrive the topic of redriven messages; null if there is none
   * @param format the destination's own format; null for that of the transport
   * @param firstPartitions the number of partitions of the source when the subscription began
   */
  SubscribedTopics(
      String source,
      @Nullable String redrive,
      DelayTopics delays,
      @Nullable MessageFormat format,
      int firstPartitions) {
    this.source = source;
    this.redrive = redrive;
    this.delays = delays;
    this.firstPartitions = firstPartitions;
    for (TopicRole role : TopicRole.values()) {
      rules.put(role, new ReadingRules(source, role, null, format));
    }
  }

  String source() {
    return source;
  }

  DelayTopics delays() {
    return delays;
  }

  /** Whether the partition has been added to the source since the subscription began. */
  boolean isAdded(TopicPartition partition) {
    return partition.topic().equals(source) && partition.partition() >= firstPartitions;
  }

  List<String> names() {
    List<String> names = new ArrayList<>(delays.topics());
    names.add(source);
    if (redrive != null) {
      names.add(redrive);
    }
    return names;
  }

  /** How the records of a topic are read. Called for each batch of records: allocates nothing. */
  ReadingRules rules(String topic) {
    return Objects.requireNonNull(rules.get(role(topic)));
  }

  /** The role of a topic. Called for each batch of records: allocates nothing. */
  TopicRole role(String topic) {
    if (topic.equals(source)) {
      return TopicRole.SOURCE;
    }
    if (topic.equals(redrive)) {
      return TopicRole.REDRIVE;
    }
    return delays.isDelay(topic) ? TopicRole.DELAY : TopicRole.SOURCE;
  }
}
