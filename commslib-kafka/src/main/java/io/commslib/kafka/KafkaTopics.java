package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;

/** Creates and checks topics. */
final class KafkaTopics {

  static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

  private static final long RETRY_PAUSE_NANOS = 50_000_000L;

  /** An accepted message must fit into these topics with its additional headers. */
  private static final String MAX_BYTES = Integer.toString(ClientSettings.MAX_RECORD_BYTES);

  /** Far longer than the longest delay of a retry schedule. */
  private static final String DELAY_RETENTION_MILLIS =
      Long.toString(Duration.ofDays(14).toMillis());

  private final KafkaTransportConfig config;
  private final TimeSource time;
  private final Admin admin;

  KafkaTopics(KafkaTransportConfig config, TimeSource time) {
    this.config = config;
    this.time = time;
    this.admin = Admin.create(ClientSettings.admin(config));
  }

  void declare(DestinationConfig destination) {
    String topic = KafkaNames.topic(destination.destination());
    if (destination.isVerifyOnly()) {
      check(destination, partitions(topic));
      destination.groups().forEach(group -> checkGroup(destination, group, List.of()));
      return;
    }
    List<NewTopic> topics = new ArrayList<>();
    topics.add(source(destination, topic));
    destination.groups().forEach(group -> topics.addAll(groupTopics(destination, group)));
    if (!create(topics)) {
      check(destination, partitionsOnceKnown(topic));
    }
  }

  /** Waits for a topic that another process has just created: not every broker knows it yet. */
  private int partitionsOnceKnown(String topic) {
    long end = time.nanoTime() + config.operationTimeout().toNanos();
    int found = partitions(topic);
    while (found == 0 && time.nanoTime() - end < 0) {
      LockSupport.parkNanos(RETRY_PAUSE_NANOS);
      found = partitions(topic);
    }
    return found;
  }

  /**
   * Creates the missing topics of a group, including a group that was not declared. If the
   * destination was declared verify-only, they are checked and not created.
   */
  void declareGroup(DestinationConfig destination, String group, List<String> delayTopics) {
    if (destination.isVerifyOnly()) {
      checkGroup(destination, group, delayTopics);
      return;
    }
    List<NewTopic> topics = new ArrayList<>(groupTopics(destination, group));
    for (String topic : delayTopics) {
      topics.add(
          newTopic(topic, destination.partitions())
              .configs(
                  Map.of(
                      // The broker's default may be compaction, where a later record of a key
                      // replaces a waiting one.
                      TopicConfig.CLEANUP_POLICY_CONFIG,
                      TopicConfig.CLEANUP_POLICY_DELETE,
                      // Due times are computed from the arrival, by one clock.
                      TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                      "LogAppendTime",
                      TopicConfig.RETENTION_MS_CONFIG,
                      DELAY_RETENTION_MILLIS,
                      TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                      MAX_BYTES)));
    }
    create(topics);
  }

  private List<NewTopic> groupTopics(DestinationConfig destination, String group) {
    Destination to = destination.destination();
    // Compacted: a dead letter stays until a tombstone deletes it on redrive or discard.
    NewTopic deadLetters =
        newTopic(KafkaNames.deadLetters(to, group), destination.partitions())
            .configs(
                Map.of(
                    TopicConfig.CLEANUP_POLICY_CONFIG,
                    TopicConfig.CLEANUP_POLICY_COMPACT,
                    TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                    MAX_BYTES));
    NewTopic redrive =
        newTopic(KafkaNames.redrive(to, group), destination.partitions())
            .configs(
                Map.of(
                    TopicConfig.CLEANUP_POLICY_CONFIG,
                    TopicConfig.CLEANUP_POLICY_DELETE,
                    TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                    MAX_BYTES));
    return List.of(deadLetters, redrive);
  }

  /** A queue must not lose messages of a key if compaction is the broker's default. */
  private NewTopic source(DestinationConfig destination, String topic) {
    NewTopic source = newTopic(topic, destination.partitions());
    return destination.destination().kind() == Destination.Kind.QUEUE
        ? source.configs(
            Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE))
        : source;
  }

  private NewTopic newTopic(String name, int partitions) {
    return new NewTopic(
        name, Optional.of(partitions), config.replicationFactor().map(Integer::shortValue));
  }

  /** Creates topics; returns whether this call created all of them. */
  private boolean create(List<NewTopic> topics) {
    boolean all = true;
    List<NewTopic> fresh = new ArrayList<>(topics);
    for (Map.Entry<String, KafkaFuture<Void>> created :
        admin.createTopics(topics).values().entrySet()) {
      try {
        await(created.getValue());
      } catch (ExecutionException e) {
        if (!(Failures.unwrapped(e) instanceof TopicExistsException)) {
          throw KafkaErrors.subscribe(
              "create topic " + created.getKey() + " at " + config.bootstrapServers(), e);
        }
        all = false;
        fresh.removeIf(topic -> topic.name().equals(created.getKey()));
      } catch (TimeoutException e) {
        throw KafkaErrors.subscribe(
            "create topic " + created.getKey() + " at " + config.bootstrapServers(), e);
      }
    }
    awaitLeaders(fresh);
    return all;
  }

  /**
   * Waits until each partition of new topics has a leader. A topic is known before that. If a
   * producer sends a burst in between, the broker rejects the first batch and accepts later ones:
   * the batches are out of sequence until all of them expire. The end of a partition is requested,
   * which only a leader answers.
   */
  private void awaitLeaders(List<NewTopic> topics) {
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    for (NewTopic topic : topics) {
      for (int partition = 0; partition < topic.numPartitions(); partition++) {
        ends.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
      }
    }
    if (ends.isEmpty()) {
      return;
    }
    long limit = time.nanoTime() + config.operationTimeout().toNanos();
    while (true) {
      try {
        await(admin.listOffsets(ends).all());
        return;
      } catch (ExecutionException | TimeoutException e) {
        boolean retriable = Failures.unwrapped(e) instanceof RetriableException;
        if (!retriable || time.nanoTime() - limit >= 0) {
          throw KafkaErrors.subscribe("leaders of new topics at " + config.bootstrapServers(), e);
        }
        LockSupport.parkNanos(RETRY_PAUSE_NANOS);
      }
    }
  }

  /** Checks the topics of a group: without them it would stop at its first dead letter. */
  private void checkGroup(DestinationConfig destination, String group, List<String> delayTopics) {
    Destination to = destination.destination();
    List<String> needed = new ArrayList<>(delayTopics);
    needed.add(KafkaNames.deadLetters(to, group));
    needed.add(KafkaNames.redrive(to, group));
    for (String topic : needed) {
      if (partitions(topic) == 0) {
        throw new SubscribeException(
            "COMMS-KAFKA-002",
            FailureKind.PERMANENT,
            "topic "
                + topic
                + " of group "
                + group
                + " does not exist (expected: it does, "
                + to
                + " was declared verify-only)",
            null);
      }
    }
  }

  private static void check(DestinationConfig destination, int found) {
    if (found == 0) {
      throw new SubscribeException(
          "COMMS-KAFKA-002",
          FailureKind.PERMANENT,
          destination.destination()
              + " does not exist (expected: it does, it was declared verify-only)",
          null);
    }
    if (found != destination.partitions()) {
      throw new SubscribeException(
          "COMMS-KAFKA-002",
          FailureKind.PERMANENT,
          destination.destination()
              + " partitions: "
              + destination.partitions()
              + " (expected: "
              + found
              + ", as the topic has)",
          null);
    }
  }

  /** The number of partitions of a topic; 0 if the topic does not exist. */
  int partitions(String topic) {
    try {
      return await(admin.describeTopics(List.of(topic)).topicNameValues().get(topic))
          .partitions()
          .size();
    } catch (ExecutionException e) {
      if (KafkaErrors.isTopicUnknown(e)) {
        return 0;
      }
      throw KafkaErrors.subscribe(
          "describe topic " + topic + " at " + config.bootstrapServers(), e);
    } catch (TimeoutException e) {
      throw KafkaErrors.subscribe(
          "describe topic " + topic + " at " + config.bootstrapServers(), e);
    }
  }

  /** Sends a probe to the cluster; does not block. */
  CompletionStage<?> probe() {
    DescribeClusterOptions options =
        new DescribeClusterOptions().timeoutMs((int) BrokerWatch.PROBE_LIMIT.toMillis());
    return admin.describeCluster(options).clusterId().toCompletionStage();
  }

  /** Requests the descriptions of topics, a stage for each; does not block. */
  Map<String, CompletionStage<?>> describe(Set<String> names) {
    DescribeTopicsOptions options =
        new DescribeTopicsOptions().timeoutMs((int) BrokerWatch.PROBE_LIMIT.toMillis());
    Map<String, CompletionStage<?>> descriptions = new HashMap<>();
    admin
        .describeTopics(names, options)
        .topicNameValues()
        .forEach((topic, answer) -> descriptions.put(topic, answer.toCompletionStage()));
    return descriptions;
  }

  /** Requests the description of one topic; does not block. */
  CompletionStage<?> describe(String name) {
    return Objects.requireNonNull(describe(Set.of(name)).get(name), name);
  }

  private <T> T await(KafkaFuture<T> future) throws ExecutionException, TimeoutException {
    try {
      return future.get(config.operationTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw KafkaErrors.noAnswer("operationTimeout", config.operationTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TimeoutException("interrupted");
    }
  }

  void close() {
    admin.close(CLOSE_LIMIT);
  }
}
