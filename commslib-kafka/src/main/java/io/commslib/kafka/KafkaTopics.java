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

  /** A message that was let in must fit in here with what is added to its headers. */
  private static final String MAX_BYTES = Integer.toString(ClientSettings.MAX_RECORD_BYTES);

  /** Beyond the longest delay a schedule allows, by far. */
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

  /** A topic somebody else has just created exists before every broker knows of it. */
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
   * Makes sure that a group's own topics exist, also of a group that was not declared. Those of a
   * destination that is only verified are not created.
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
                      // Not the broker's default: compacted, a key's later record replaces one
                      // that waits.
                      TopicConfig.CLEANUP_POLICY_CONFIG,
                      TopicConfig.CLEANUP_POLICY_DELETE,
                      // When a record is due is reckoned from its arrival, by one clock.
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
    // Compacted: a dead letter stays until a tombstone says that it was redriven or discarded.
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

  /** A queue is not to lose messages of a key where compaction is the broker's default. */
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

  /** Returns whether all of them were created by this call. */
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
   * A topic is known before each of its partitions has a broker that leads it. A producer that
   * bursts into that gap gets its first batch refused and the next ones accepted too early: they
   * are out of sequence until all of them expire. Asking for the ends of the partitions, which only
   * a leader answers, waits for the gap to close.
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
        boolean passing = Failures.unwrapped(e) instanceof RetriableException;
        if (!passing || time.nanoTime() - limit >= 0) {
          throw KafkaErrors.subscribe("leaders of new topics at " + config.bootstrapServers(), e);
        }
        LockSupport.parkNanos(RETRY_PAUSE_NANOS);
      }
    }
  }

  /** Without its dead letter topic a group would stop at the first message that it gives up. */
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

  /** Returns how many partitions a topic has; 0 if there is no such topic. */
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

  /** Asks the cluster for a sign of life; does not block. */
  CompletionStage<?> probe() {
    DescribeClusterOptions options =
        new DescribeClusterOptions().timeoutMs((int) BrokerWatch.PROBE_LIMIT.toMillis());
    return admin.describeCluster(options).clusterId().toCompletionStage();
  }

  /** Asks for the descriptions of topics, a stage for each; does not block. */
  Map<String, CompletionStage<?>> describe(Set<String> names) {
    DescribeTopicsOptions options =
        new DescribeTopicsOptions().timeoutMs((int) BrokerWatch.PROBE_LIMIT.toMillis());
    Map<String, CompletionStage<?>> asked = new HashMap<>();
    admin
        .describeTopics(names, options)
        .topicNameValues()
        .forEach((topic, answer) -> asked.put(topic, answer.toCompletionStage()));
    return asked;
  }

  /** Asks for the description of one topic; does not block. */
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
