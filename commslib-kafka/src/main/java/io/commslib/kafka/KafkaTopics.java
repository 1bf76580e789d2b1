package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.SubscribeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the topics of destinations and groups, or checks those that belong to others. Names what
 * it finds in existing topics and what it must not read. Thread-safe.
 */
final class KafkaTopics {

  private static final Logger log = LoggerFactory.getLogger(KafkaTopics.class);

  /** Far longer than the longest delay of a retry schedule. */
  private static final String DELAY_RETENTION_MILLIS =
      Long.toString(Duration.ofDays(14).toMillis());

  private final KafkaTransportConfig config;
  private final KafkaBindings bindings;
  private final TopicAdmin admin;

  /** The limit of each source topic whose settings are known. */
  private final Map<String, Integer> sourceLimits = new ConcurrentHashMap<>();

  /** The number of partitions of each declared source topic; others may have created it. */
  private final Map<String, Integer> sourcePartitions = new ConcurrentHashMap<>();

  /** Texts that were logged, so that each is logged once. */
  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  KafkaTopics(KafkaTransportConfig config, KafkaBindings bindings, TopicAdmin admin) {
    this.config = config;
    this.bindings = bindings;
    this.admin = admin;
  }

  private boolean createsNothing(DestinationConfig destination) {
    return destination.isVerifyOnly() || bindings.isExisting(destination.destination());
  }

  /** Creates or checks a destination and the topics of its declared groups. */
  void declare(DestinationConfig destination) {
    Destination to = destination.destination();
    String topic = bindings.topic(to);
    List<GroupNames> groups =
        destination.groups().stream().map(group -> bindings.group(to, group)).toList();
    if (createsNothing(destination)) {
      check(destination, topic, admin.partitions(topic));
      checkSettings(topic, Set.of(topic));
      if (!bindings.isExisting(to)) {
        groups.forEach(group -> checkGroup(group, Map.of()));
      }
      return;
    }
    boolean existed = admin.create(List.of(source(destination, topic))).contains(topic);
    if (existed) {
      int found = admin.partitionsOnceKnown(topic);
      check(destination, topic, found);
      sourcePartitions.put(topic, found);
      checkSettings(topic, Set.of(topic));
    } else {
      sourcePartitions.put(topic, destination.partitions());
      sourceLimits.put(topic, RecordSizes.topic(config.maxMessageBytes()));
    }
    groups.forEach(group -> createGroup(destination, group, Map.of()));
  }

  /**
   * Creates or checks the topics of a group, including a group that was not declared.
   *
   * @return what an operator should know of them, by name, for health
   */
  Map<String, String> declareGroup(
      DestinationConfig destination, GroupNames names, Map<String, Duration> delayTopics) {
    if (!names.hasNoDeadLetters()) {
      names.requireDeadLetters();
    }
    if (createsNothing(destination)) {
      return checkGroup(names, delayTopics);
    }
    return createGroup(destination, names, delayTopics);
  }

  private Map<String, String> createGroup(
      DestinationConfig destination, GroupNames names, Map<String, Duration> delayTopics) {
    List<NewTopic> topics = groupTopics(destination, names, delayTopics);
    if (topics.isEmpty()) {
      return Map.of();
    }
    Set<String> existed = admin.create(topics);
    return existed.isEmpty() ? Map.of() : checkGroupSettings(names, delayTopics, existed);
  }

  private List<NewTopic> groupTopics(
      DestinationConfig destination, GroupNames names, Map<String, Duration> delayTopics) {
    String limit = Integer.toString(RecordSizes.groupTopic(sourceLimit(names.source())));
    int partitions = sourcePartitions.getOrDefault(names.source(), destination.partitions());
    List<NewTopic> topics = new ArrayList<>();
    // Compacted: a dead letter stays until a tombstone deletes it on redrive or discard.
    names
        .deadLetters()
        .ifPresent(
            topic ->
                topics.add(
                    newTopic(
                        topic,
                        partitions,
                        Map.of(
                            TopicConfig.CLEANUP_POLICY_CONFIG,
                            TopicConfig.CLEANUP_POLICY_COMPACT,
                            TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                            limit))));
    names
        .redrive()
        .ifPresent(
            topic ->
                topics.add(
                    newTopic(
                        topic,
                        partitions,
                        Map.of(
                            TopicConfig.CLEANUP_POLICY_CONFIG,
                            TopicConfig.CLEANUP_POLICY_DELETE,
                            TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                            limit))));
    for (String topic : delayTopics.keySet()) {
      topics.add(
          newTopic(
              topic,
              partitions,
              Map.of(
                  // The broker's default may be compaction, where a later record of a key
                  // replaces a waiting one.
                  TopicConfig.CLEANUP_POLICY_CONFIG,
                  TopicConfig.CLEANUP_POLICY_DELETE,
                  // Due times are computed from the arrival, by one clock.
                  TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                  TopicSettings.LOG_APPEND_TIME,
                  TopicConfig.RETENTION_MS_CONFIG,
                  DELAY_RETENTION_MILLIS,
                  TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                  limit)));
    }
    return topics;
  }

  /** A queue must not lose messages of a key if compaction is the broker's default. */
  private NewTopic source(DestinationConfig destination, String topic) {
    Map<String, String> settings = new HashMap<>();
    settings.put(
        TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
        Integer.toString(RecordSizes.topic(config.maxMessageBytes())));
    if (destination.destination().kind() == Destination.Kind.QUEUE) {
      settings.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE);
    }
    return newTopic(topic, destination.partitions(), settings);
  }

  private NewTopic newTopic(String name, int partitions, Map<String, String> settings) {
    return new NewTopic(
            name, Optional.of(partitions), config.replicationFactor().map(Integer::shortValue))
        .configs(settings);
  }

  /** What the source topic accepts must fit into the topics of its groups. */
  private int sourceLimit(String source) {
    int own = RecordSizes.topic(config.maxMessageBytes());
    return Math.max(own, sourceLimits.getOrDefault(source, own));
  }

  /** Checks the topics of a group: without them it would stop at its first dead letter. */
  private Map<String, String> checkGroup(GroupNames names, Map<String, Duration> delayTopics) {
    Set<String> needed = new LinkedHashSet<>(delayTopics.keySet());
    names.deadLetters().ifPresent(needed::add);
    names.redrive().ifPresent(needed::add);
    for (String topic : needed) {
      if (admin.partitions(topic) == 0) {
        throw new SubscribeException(
            "COMMS-KAFKA-002",
            FailureKind.PERMANENT,
            "topic "
                + topic
                + " of group "
                + names.group()
                + " does not exist (expected: it does, "
                + names.destination()
                + reason(names.destination())
                + ")",
            null);
      }
    }
    return needed.isEmpty() ? Map.of() : checkGroupSettings(names, delayTopics, needed);
  }

  private String reason(Destination destination) {
    return bindings.isExisting(destination)
        ? " is bound to existing topics"
        : " was declared verify-only";
  }

  private void check(DestinationConfig destination, String topic, int found) {
    Destination to = destination.destination();
    if (found == 0) {
      throw new SubscribeException(
          "COMMS-KAFKA-002",
          FailureKind.PERMANENT,
          to
              + (bindings.isBound(to) ? ", topic " + topic + "," : "")
              + " does not exist (expected: it does, it"
              + reason(to)
              + ")",
          null);
    }
    // An operator may add partitions to a topic that was created with the default.
    if (destination.hasPartitions() && found != destination.partitions()) {
      throw new SubscribeException(
          "COMMS-KAFKA-002",
          FailureKind.PERMANENT,
          to
              + " partitions: "
              + destination.partitions()
              + " (expected: "
              + found
              + ", as the topic has)",
          null);
    }
  }

  /** Names limits of existing topics that are too small, and remembers the limit of the source. */
  private Map<String, TopicSettings> checkSettings(String source, Set<String> topics) {
    Map<String, TopicSettings> found = admin.settings(topics);
    for (String topic : topics) {
      TopicSettings settings = found.get(topic);
      if (settings == null) {
        logOnce(
            "topic "
                + topic
                + ": settings not checked (expected: permission DESCRIBE_CONFIGS); the largest"
                + " message may not fit, and dead letters may expire");
        continue;
      }
      boolean isSource = topic.equals(source);
      if (isSource) {
        sourceLimits.put(topic, settings.maxMessageBytes());
      }
      int required =
          isSource
              ? RecordSizes.topic(config.maxMessageBytes())
              : RecordSizes.groupTopic(sourceLimit(source));
      if (settings.maxMessageBytes() < required) {
        logOnce(
            "topic "
                + topic
                + ": max.message.bytes: "
                + settings.maxMessageBytes()
                + " (expected: "
                + required
                + " or more, so that the largest "
                + (isSource ? "message of maxMessageBytes" : "record of topic " + source)
                + " fits)");
      }
    }
    return found;
  }

  private Map<String, String> checkGroupSettings(
      GroupNames names, Map<String, Duration> delayTopics, Set<String> topics) {
    Map<String, TopicSettings> found = checkSettings(names.source(), topics);
    names
        .redrive()
        .ifPresent(
            topic -> requireKept(topic, names, found.get(topic), TopicSettings::lossOfRedriven));
    delayTopics.forEach(
        (topic, delay) ->
            requireKept(
                topic, names, found.get(topic), settings -> settings.lossOfDeferred(delay)));
    Optional<String> expiry =
        names
            .deadLetters()
            .flatMap(
                topic ->
                    Optional.ofNullable(found.get(topic))
                        .flatMap(TopicSettings::expiry)
                        .map(text -> "topic " + topic + ": " + text));
    expiry.ifPresent(
        text -> logOnce("dead letters expire, " + text + " (expected: cleanup.policy=compact)"));
    return expiry.map(text -> Map.of("deadLettersExpire", text)).orElse(Map.of());
  }

  private static void requireKept(
      String topic,
      GroupNames names,
      @Nullable TopicSettings settings,
      Function<TopicSettings, Optional<String>> loss) {
    Optional.ofNullable(settings)
        .flatMap(loss)
        .ifPresent(
            text -> {
              throw new SubscribeException(
                  "COMMS-KAFKA-002",
                  FailureKind.PERMANENT,
                  "topic " + topic + " of group " + names.group() + " " + text,
                  null);
            });
  }

  private void logOnce(String text) {
    if (logged.add(text)) {
      log.warn("{}", text);
    }
  }
}
