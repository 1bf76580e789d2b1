package io.commslib.kafka;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The names that a destination has on Kafka where the names of the library don't fit: the topic,
 * and for each group its consumer group and the topics of its dead letters, redriven messages and
 * deferred retries. Pass it to {@link KafkaTransportConfig.Builder#bind}.
 *
 * <pre>{@code
 * KafkaBinding binding =
 *     KafkaBinding.topic("order.created")
 *         .group("ship", "inventory-group")
 *         .deadLetters("ship", "order.created.DLT")
 *         .existing();
 * }</pre>
 *
 * <p>A name that is not given is the library's: consumer group {@code <topic>.<group>}, and topics
 * {@code <topic>.<group>.dlq}, {@code .redrive} and {@code .delay-<millis>}. With {@link
 * #existing()} nothing is created, and a target that is not given does not exist:
 *
 * <ul>
 *   <li>Without dead letters and without {@link #noDeadLetters()}, a subscription is refused.
 *   <li>An unordered subscription whose retry schedule has delays is refused without a topic for
 *       each of them.
 *   <li>Redriving fails without a topic for redriven messages.
 * </ul>
 *
 * <p>Only the library may write to the topics for redriven messages and deferred retries: headers
 * {@code commslib-*} in them are believed, and nowhere else.
 *
 * <p>Immutable; each method returns a changed copy.
 */
public final class KafkaBinding {

  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9._-]{1,249}");
  private static final Pattern GROUP = Pattern.compile("[A-Za-z0-9_-]{1,60}");
  private static final String TOPIC_RULE = "1..249 of A-Z a-z 0-9 . _ -";
  private static final Targets NONE = new Targets(null, null, null, Map.of());

  /** The names that were given for one group. */
  record Targets(
      @Nullable String group,
      @Nullable String letters,
      @Nullable String redriven,
      Map<Duration, String> delays) {

    Optional<String> groupId() {
      return Optional.ofNullable(group);
    }

    Optional<String> deadLetters() {
      return Optional.ofNullable(letters);
    }

    Optional<String> redrive() {
      return Optional.ofNullable(redriven);
    }

    @Override
    public String toString() {
      return "Targets[" + group + ", " + letters + ", " + redriven + ", " + delays.size() + "]";
    }
  }

  private final String topic;
  private final Map<String, Targets> groups;
  private final boolean existing;
  private final boolean withoutDeadLetters;

  private KafkaBinding(
      String topic, Map<String, Targets> groups, boolean existing, boolean withoutDeadLetters) {
    this.topic = topic;
    this.groups = groups;
    this.existing = existing;
    this.withoutDeadLetters = withoutDeadLetters;
  }

  /**
   * Binds to a topic.
   *
   * @param topic any name that Kafka allows, 1 to 249 characters of {@code A-Za-z0-9._-}
   * @return binding with the library's names for everything else
   */
  public static KafkaBinding topic(String topic) {
    return new KafkaBinding(checkedTopic("topic", topic), Map.of(), false, false);
  }

  /**
   * Names the consumer group of a group. If it exists, it continues at its committed offsets;
   * commit metadata of other clients is ignored. Its running members must use the protocol and the
   * assignor of this transport, otherwise the subscription is refused.
   *
   * @param group the group, as {@code SubscriptionConfig} names it
   * @param groupId Kafka's name, 1 to 249 characters without control characters, not that of
   *     another group; default {@code <topic>.<group>}
   * @return changed copy
   */
  public KafkaBinding group(String group, String groupId) {
    Targets now = targetsToChange(group);
    Checks.check(now.group() == null, "group", groupId, "one name for group " + group);
    Checks.text("groupId", groupId, 1, 249);
    groups.forEach(
        (other, targets) ->
            Checks.check(
                !groupId.equals(targets.group()),
                "group",
                groupId,
                "not the consumer group of group " + other));
    return with(group, new Targets(groupId, now.letters(), now.redriven(), now.delays()));
  }

  /**
   * Names the topic of a group's dead letters. Letters are records with the key and the headers of
   * the library, so the topic should be compacted: with {@code cleanup.policy=delete} its letters
   * expire, which is logged at WARN and shown in the health of the subscription. No other
   * application or group may write to it; records that are no letters of the group are not listed.
   *
   * @param group the group
   * @param topic any name that Kafka allows, used for nothing else in any binding; default {@code
   *     <topic>.<group>.dlq}, with {@link #existing()} none
   * @return changed copy
   */
  public KafkaBinding deadLetters(String group, String topic) {
    Targets now = targetsToChange(group);
    Checks.check(now.letters() == null, "deadLetters", topic, "one topic for group " + group);
    return with(
        group,
        new Targets(now.group(), unused("deadLetters", topic), now.redriven(), now.delays()));
  }

  /**
   * Names the topic from which a group reads redriven messages. It must not be compacted. No other
   * application may write to it.
   *
   * @param group the group
   * @param topic any name that Kafka allows, used for nothing else in any binding; default {@code
   *     <topic>.<group>.redrive}, with {@link #existing()} none
   * @return changed copy
   */
  public KafkaBinding redrive(String group, String topic) {
    Targets now = targetsToChange(group);
    Checks.check(now.redriven() == null, "redrive", topic, "one topic for group " + group);
    return with(
        group, new Targets(now.group(), now.letters(), unused("redrive", topic), now.delays()));
  }

  /**
   * Names the topic in which messages of an unordered subscription wait for one delay of its retry
   * schedule. It must have {@code message.timestamp.type=LogAppendTime}, {@code
   * cleanup.policy=delete} and {@code retention.ms} of the delay or more. No other application may
   * write to it. May be called several times.
   *
   * @param group the group
   * @param delay the delay, as the retry schedule of the subscription has it; 1 ms or more
   * @param topic any name that Kafka allows, used for nothing else in any binding; default {@code
   *     <topic>.<group>.delay-<millis>}, with {@link #existing()} none
   * @return changed copy
   */
  public KafkaBinding delay(String group, Duration delay, String topic) {
    Targets now = targetsToChange(group);
    Checks.check(delay.toMillis() > 0, "delay", delay, "1 ms or more");
    Checks.check(!now.delays().containsKey(delay), "delay", delay, "one topic for group " + group);
    Map<Duration, String> delays = new LinkedHashMap<>(now.delays());
    delays.put(delay, unused("delay", topic));
    return with(group, new Targets(now.group(), now.letters(), now.redriven(), Map.copyOf(delays)));
  }

  /**
   * Declares that all topics belong to others: none is created or changed, and everything that a
   * subscription requires is checked when it begins. The topic may have any number of partitions,
   * unless {@code DestinationConfig} states one.
   *
   * @return changed copy
   */
  public KafkaBinding existing() {
    return new KafkaBinding(topic, groups, true, withoutDeadLetters);
  }

  /**
   * Declares that groups without a named topic for dead letters have none. Nothing is discarded:
   * what would be a dead letter stays at the broker and blocks the later messages of its key. In an
   * unordered subscription, and for a message without a key, it pauses the subscription for each of
   * its waits. Health names it.
   *
   * @return changed copy
   */
  public KafkaBinding noDeadLetters() {
    return new KafkaBinding(topic, groups, existing, true);
  }

  String topicName() {
    return topic;
  }

  boolean isExisting() {
    return existing;
  }

  boolean isWithoutDeadLetters() {
    return withoutDeadLetters;
  }

  Targets targets(String group) {
    return groups.getOrDefault(group, NONE);
  }

  /** The id of a group's consumer group. */
  String groupId(String group) {
    return targets(group).groupId().orElseGet(() -> topic + "." + group);
  }

  /** Another named group with the same consumer group. */
  Optional<String> sharesGroupId(String group) {
    return groups.keySet().stream()
        .filter(other -> !other.equals(group) && groupId(other).equals(groupId(group)))
        .findFirst();
  }

  /** The names of the groups for which a name was given. */
  Set<String> groups() {
    return groups.keySet();
  }

  /** The topics to which only the library may write. */
  Set<String> ownTopics() {
    Set<String> own = new HashSet<>();
    for (Targets targets : groups.values()) {
      own.addAll(targets.delays().values());
      targets.redrive().ifPresent(own::add);
    }
    return own;
  }

  private Targets targetsToChange(String group) {
    return targets(Checks.matches("group", group, GROUP, "1..60 of A-Z a-z 0-9 _ -"));
  }

  private KafkaBinding with(String group, Targets targets) {
    Map<String, Targets> changed = new HashMap<>(groups);
    changed.put(group, targets);
    return new KafkaBinding(topic, Map.copyOf(changed), existing, withoutDeadLetters);
  }

  private String unused(String setting, String name) {
    Set<String> used = ownTopics();
    used.add(topic);
    groups.values().forEach(targets -> targets.deadLetters().ifPresent(used::add));
    Checks.check(
        !used.contains(checkedTopic(setting, name)),
        setting,
        name,
        "a topic that the binding has for nothing else");
    return name;
  }

  private static String checkedTopic(String setting, String name) {
    Checks.matches(setting, name, TOPIC, TOPIC_RULE);
    Checks.check(!name.equals(".") && !name.equals(".."), setting, name, TOPIC_RULE);
    return name;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KafkaBinding binding
        && topic.equals(binding.topic)
        && groups.equals(binding.groups)
        && existing == binding.existing
        && withoutDeadLetters == binding.withoutDeadLetters;
  }

  @Override
  public int hashCode() {
    return Objects.hash(topic, groups, existing, withoutDeadLetters);
  }

  @Override
  public String toString() {
    return "KafkaBinding{"
        + topic
        + ", groups="
        + new TreeSet<>(groups.keySet())
        + ", existing="
        + existing
        + ", noDeadLetters="
        + withoutDeadLetters
        + "}";
  }
}
