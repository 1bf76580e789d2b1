package io.commslib.kafka;

import io.commslib.core.Failures;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.jspecify.annotations.Nullable;

/**
 * An operator who creates topics with names of its own for whatever a contract declares or
 * subscribes to, before the transport checks that they exist.
 */
final class BoundTopics {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** Shared, since tests of one contract use a destination from several transports. */
  private static final Map<Destination, KafkaBinding> BINDINGS = new ConcurrentHashMap<>();

  private final Admin admin;

  BoundTopics(Admin admin) {
    this.admin = admin;
  }

  @Nullable KafkaBinding of(Destination destination) {
    return BINDINGS.get(destination);
  }

  private static String topic(Destination destination) {
    return destination.kind() + "_of." + destination.name() + ".dlq";
  }

  /** Forwards to a transport of which {@link #of} makes the bindings. */
  MessageTransport serve(KafkaTransport transport) {
    return (MessageTransport)
        Proxy.newProxyInstance(
            BoundTopics.class.getClassLoader(),
            new Class<?>[] {MessageTransport.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("declare")) {
                prepare((DestinationConfig) arguments[0]);
              } else if (method.getName().equals("subscriber")) {
                return (Subscriber)
                    (config, handler) -> {
                      prepare(config);
                      return transport.subscriber().subscribe(config, handler);
                    };
              }
              try {
                return method.invoke(transport, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void prepare(DestinationConfig config) {
    Destination destination = config.destination();
    BINDINGS.putIfAbsent(destination, KafkaBinding.topic(topic(destination)).existing());
    if (config.isVerifyOnly()) {
      return;
    }
    List<NewTopic> topics = new ArrayList<>();
    topics.add(topic(topic(destination), config.partitions(), Map.of()));
    config.groups().forEach(group -> topics.addAll(bindGroup(destination, group, List.of())));
    create(topics);
  }

  private void prepare(SubscriptionConfig config) {
    if (BINDINGS.containsKey(config.destination())) {
      create(
          bindGroup(
              config.destination(),
              config.group(),
              config.isUnordered() ? config.retry().delays() : List.of()));
    }
  }

  private static synchronized List<NewTopic> bindGroup(
      Destination destination, String group, List<Duration> delays) {
    List<NewTopic> topics = new ArrayList<>();
    String prefix = topic(destination) + "_" + group;
    KafkaBinding binding = BINDINGS.get(destination);
    if (binding.targets(group).groupId().isEmpty()) {
      binding =
          binding
              .group(group, "group " + group + "/" + destination)
              .deadLetters(group, prefix + "_letters")
              .redrive(group, prefix + "_again");
      topics.add(
          topic(prefix + "_letters", 2, Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, "compact")));
      topics.add(topic(prefix + "_again", 3, Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, "delete")));
    }
    for (Duration delay : delays) {
      if (!binding.targets(group).delays().containsKey(delay)) {
        String topic = prefix + "_in_" + delay.toMillis();
        binding = binding.delay(group, delay, topic);
        topics.add(
            topic(topic, 2, Map.of(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "LogAppendTime")));
      }
    }
    BINDINGS.put(destination, binding);
    return topics;
  }

  private static NewTopic topic(String topic, int partitions, Map<String, String> settings) {
    Map<String, String> all = new HashMap<>(settings);
    all.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, "2000000");
    return new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(all);
  }

  private void create(List<NewTopic> topics) {
    for (KafkaFuture<Void> created : admin.createTopics(topics).values().values()) {
      try {
        created.get();
      } catch (ExecutionException | InterruptedException e) {
        if (!(Failures.unwrapped(e) instanceof TopicExistsException)) {
          throw new IllegalStateException(topics.toString(), e);
        }
      }
    }
    List<String> names = topics.stream().map(NewTopic::name).toList();
    Await.until("topics " + names, LIMIT, () -> areLed(names));
  }

  private boolean areLed(List<String> topics) {
    try {
      return admin.describeTopics(topics).allTopicNames().get().values().stream()
          .flatMap(topic -> topic.partitions().stream())
          .allMatch(partition -> partition.leader() != null && !partition.leader().isEmpty());
    } catch (ExecutionException | InterruptedException e) {
      return false;
    }
  }
}
