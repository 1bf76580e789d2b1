package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscribeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The Kafka names of one group of a destination: those of its binding, otherwise those of {@link
 * KafkaNames}. A binding of existing topics has no target that it does not name.
 */
final class GroupNames {

  private final Destination destination;
  private final String group;
  private final @Nullable KafkaBinding binding;

  GroupNames(Destination destination, String group, @Nullable KafkaBinding binding) {
    this.destination = destination;
    this.group = group;
    this.binding = binding;
  }

  Destination destination() {
    return destination;
  }

  String group() {
    return group;
  }

  /** The topic that the group reads. */
  String source() {
    return binding == null ? KafkaNames.topic(destination) : binding.topicName();
  }

  /**
   * The id of the consumer group.
   *
   * @throws SubscribeException {@code PERMANENT} if the binding gives it to another group: each
   *     would get a part of the messages only
   */
  String groupId() {
    if (binding == null) {
      return KafkaNames.groupId(destination, group);
    }
    Optional<String> other = binding.sharesGroupId(group);
    if (other.isPresent()) {
      throw new SubscribeException(
          "COMMS-KAFKA-014",
          FailureKind.PERMANENT,
          "consumer group "
              + binding.groupId(group)
              + ": that of group "
              + other.get()
              + " (expected: another one for group "
              + group
              + ", which KafkaBinding.group names)",
          null);
    }
    return binding.groupId(group);
  }

  /** Whether the group has no dead letters on purpose. */
  boolean hasNoDeadLetters() {
    return binding != null
        && binding.isWithoutDeadLetters()
        && binding.targets(group).deadLetters().isEmpty();
  }

  Optional<String> deadLetters() {
    if (binding == null) {
      return Optional.of(KafkaNames.deadLetters(destination, group));
    }
    return hasNoDeadLetters()
        ? Optional.empty()
        : binding
            .targets(group)
            .deadLetters()
            .or(() -> unlessExisting(KafkaNames.deadLetters(prefix())));
  }

  Optional<String> redrive() {
    if (binding == null) {
      return Optional.of(KafkaNames.redrive(destination, group));
    }
    Optional<String> named = binding.targets(group).redrive();
    // Without dead letters nothing is redriven.
    return hasNoDeadLetters()
        ? named
        : named.or(() -> unlessExisting(KafkaNames.redrive(prefix())));
  }

  Optional<String> delay(Duration delay) {
    if (binding == null) {
      return Optional.of(KafkaNames.delay(destination, group, delay));
    }
    return Optional.ofNullable(binding.targets(group).delays().get(delay))
        .or(() -> unlessExisting(KafkaNames.delay(prefix(), delay)));
  }

  /** The topics of dead letters, redriven messages, and those delays for which one is named. */
  List<String> targets() {
    List<String> targets = new ArrayList<>();
    deadLetters().ifPresent(targets::add);
    redrive().ifPresent(targets::add);
    if (binding != null) {
      targets.addAll(binding.targets(group).delays().values());
    }
    return targets;
  }

  /** The topic of the group's dead letters, for reading and changing them. */
  String requireDeadLetters() {
    return deadLetters().orElseThrow(() -> unnamed("deadLetters", "deadLetters"));
  }

  /** The refusal of what requires a topic that the binding does not name. */
  SubscribeException unnamed(String what, String setting) {
    return new SubscribeException(
        "COMMS-KAFKA-014",
        FailureKind.PERMANENT,
        what
            + ": no topic for group "
            + group
            + " of "
            + destination
            + " (expected: one that KafkaBinding."
            + setting
            + " names, since the binding creates none)",
        null);
  }

  private Optional<String> unlessExisting(String name) {
    return binding != null && binding.isExisting() ? Optional.empty() : Optional.of(name);
  }

  private String prefix() {
    return source() + "." + group;
  }
}
