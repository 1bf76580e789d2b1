package io.commslib.kafka;

import io.commslib.core.Failures;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
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
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;

/** The requests of the admin client, with the limit of an operation and with codes. Thread-safe. */
final class TopicAdmin {

  static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

  private static final long RETRY_PAUSE_NANOS = 50_000_000L;

  private final KafkaTransportConfig config;
  private final TimeSource time;
  private final Admin admin;

  TopicAdmin(KafkaTransportConfig config, TimeSource time) {
    this.config = config;
    this.time = time;
    this.admin = Admin.create(ClientSettings.admin(config));
  }

  /** Creates topics and waits for their leaders; returns the names that existed already. */
  Set<String> create(List<NewTopic> topics) {
    Set<String> existed = new HashSet<>();
    for (Map.Entry<String, KafkaFuture<Void>> created :
        admin.createTopics(topics).values().entrySet()) {
      try {
        await(created.getValue());
      } catch (ExecutionException e) {
        if (!(Failures.unwrapped(e) instanceof TopicExistsException)) {
          throw failed("create topic " + created.getKey(), e);
        }
        existed.add(created.getKey());
      } catch (TimeoutException e) {
        throw failed("create topic " + created.getKey(), e);
      }
    }
    awaitLeaders(topics.stream().filter(topic -> !existed.contains(topic.name())).toList());
    return existed;
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
          throw failed("leaders of new topics", e);
        }
        LockSupport.parkNanos(RETRY_PAUSE_NANOS);
      }
    }
  }

  /** The number of partitions of a topic; 0 if the topic does not exist. */
  int partitions(String topic) {
    try {
      return await(description(topic)).partitions().size();
    } catch (ExecutionException e) {
      if (KafkaErrors.isTopicUnknown(e)) {
        return 0;
      }
      throw failed("describe topic " + topic, e);
    } catch (TimeoutException e) {
      throw failed("describe topic " + topic, e);
    }
  }

  /**
   * The ids of topics; the id is zero on a broker without ids.
   *
   * @param limit the longest time for all of them together
   */
  Map<String, Uuid> ids(Set<String> topics, Duration limit) {
    long end = time.nanoTime() + limit.toNanos();
    DescribeTopicsOptions options = new DescribeTopicsOptions().timeoutMs((int) limit.toMillis());
    Map<String, Uuid> ids = new HashMap<>();
    for (Map.Entry<String, KafkaFuture<TopicDescription>> answer :
        admin.describeTopics(topics, options).topicNameValues().entrySet()) {
      try {
        ids.put(answer.getKey(), await(answer.getValue(), end - time.nanoTime(), limit).topicId());
      } catch (ExecutionException | TimeoutException e) {
        throw failed("describe topic " + answer.getKey(), e);
      }
    }
    return ids;
  }

  /** Waits for a topic that another process has just created: not every broker knows it yet. */
  int partitionsOnceKnown(String topic) {
    long end = time.nanoTime() + config.operationTimeout().toNanos();
    int found = partitions(topic);
    while (found == 0 && time.nanoTime() - end < 0) {
      LockSupport.parkNanos(RETRY_PAUSE_NANOS);
      found = partitions(topic);
    }
    return found;
  }

  private KafkaFuture<TopicDescription> description(String topic) {
    return Objects.requireNonNull(
        admin.describeTopics(List.of(topic)).topicNameValues().get(topic), topic);
  }

  /**
   * The settings of existing topics; a topic is absent if the permission to read its settings, or
   * the topic, is missing.
   */
  Map<String, TopicSettings> settings(Collection<String> topics) {
    List<ConfigResource> resources = new ArrayList<>();
    topics.forEach(topic -> resources.add(new ConfigResource(ConfigResource.Type.TOPIC, topic)));
    Map<String, TopicSettings> found = new HashMap<>();
    for (Map.Entry<ConfigResource, KafkaFuture<Config>> answer :
        admin.describeConfigs(resources).values().entrySet()) {
      String topic = answer.getKey().name();
      try {
        found.put(topic, TopicSettings.of(await(answer.getValue())));
      } catch (ExecutionException e) {
        if (!KafkaErrors.isUnauthorized(e) && !KafkaErrors.isTopicUnknown(e)) {
          throw failed("settings of topic " + topic, e);
        }
      } catch (TimeoutException e) {
        throw failed("settings of topic " + topic, e);
      }
    }
    return found;
  }

  /** The state of a consumer group; empty if it does not exist or must not be described. */
  Optional<ConsumerGroupDescription> group(String groupId) {
    try {
      return Optional.of(
          await(
              Objects.requireNonNull(
                  admin.describeConsumerGroups(List.of(groupId)).describedGroups().get(groupId),
                  groupId)));
    } catch (ExecutionException e) {
      if (KafkaErrors.isUnauthorized(e) || KafkaErrors.isGroupUnknown(e)) {
        return Optional.empty();
      }
      throw failed("describe consumer group " + groupId, e);
    } catch (TimeoutException e) {
      throw failed("describe consumer group " + groupId, e);
    }
  }

  private RuntimeException failed(String what, Exception failure) {
    return KafkaErrors.subscribe(what + " at " + config.bootstrapServers(), failure);
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
    Duration limit = config.operationTimeout();
    return await(future, limit.toNanos(), limit);
  }

  private <T> T await(KafkaFuture<T> future, long nanos, Duration limit)
      throws ExecutionException, TimeoutException {
    try {
      return future.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      boolean isSetting = limit.equals(config.operationTimeout());
      throw KafkaErrors.noAnswer(isSetting ? "operationTimeout" : "the poll thread's limit", limit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TimeoutException("interrupted");
    }
  }

  void close() {
    admin.close(CLOSE_LIMIT);
  }
}
