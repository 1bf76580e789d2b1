package io.commslib.core.messaging;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The position of a record in a log.
 *
 * @param topic name of the topic
 * @param topicId id that the broker gave the topic when it was created, or null if it is not known
 * @param partition number of the partition
 * @param offset offset in the partition
 */
public record RecordPosition(String topic, @Nullable String topicId, int partition, long offset) {

  /**
   * Checks the name.
   *
   * @param topic name of the topic
   * @param topicId id of the topic, or null
   * @param partition number of the partition
   * @param offset offset in the partition
   */
  public RecordPosition {
    Objects.requireNonNull(topic, "topic");
  }
}
