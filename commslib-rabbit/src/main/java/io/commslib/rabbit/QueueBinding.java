package io.commslib.rabbit;

import io.commslib.core.messaging.Destination;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The queue of one group, with its targets for dead letters, redrive and attempt markers. Immutable
 * outside of its {@link Change changes}.
 */
final class QueueBinding {

  /** Changes a copy of a binding, which no other object refers to yet. */
  interface Change {
    void apply(QueueBinding copy);
  }

  private final String name;

  /** Whether the queue exists, so that it is never created or bound by patterns. */
  private final boolean exists;

  private final List<String> patterns;

  ConsumerMode consumers = ConsumerMode.SINGLE_ACTIVE;
  boolean isPlain;
  boolean isAssumed;
  boolean hasNoDeadLetters;
  Map<String, Object> arguments = Map.of();
  @Nullable String deadLetters;

  /** Whether the application named the dead-letter queue, so that it is taken as it is. */
  boolean isDeadLetterQueueNamed;

  @Nullable String deadLetterExchange;
  String deadLetterKey = "";
  @Nullable String redrive;
  @Nullable String attemptMarkers;

  private QueueBinding(String name, boolean exists, List<String> patterns) {
    this.name = name;
    this.exists = exists;
    this.patterns = List.copyOf(patterns);
  }

  /** A queue of the library, bound to the exchange by patterns. */
  static QueueBinding own(String name, List<String> patterns) {
    return new QueueBinding(name, false, patterns);
  }

  /** A queue of another owner. */
  static QueueBinding existing(String name, ConsumerMode consumers) {
    QueueBinding binding = new QueueBinding(name, true, List.of());
    binding.consumers = consumers;
    return binding;
  }

  QueueBinding with(Change change) {
    QueueBinding copy = new QueueBinding(name, exists, patterns);
    copy.consumers = consumers;
    copy.isPlain = isPlain;
    copy.isAssumed = isAssumed;
    copy.hasNoDeadLetters = hasNoDeadLetters;
    copy.arguments = arguments;
    copy.deadLetters = deadLetters;
    copy.isDeadLetterQueueNamed = isDeadLetterQueueNamed;
    copy.deadLetterExchange = deadLetterExchange;
    copy.deadLetterKey = deadLetterKey;
    copy.redrive = redrive;
    copy.attemptMarkers = attemptMarkers;
    change.apply(copy);
    return copy;
  }

  /** {@return this binding with the default names of the targets that have none} */
  QueueBinding withDefaultTargets() {
    return with(
        copy -> {
          if (copy.deadLetters == null && !hasNoDeadLetters) {
            copy.deadLetters =
                RabbitNames.checked("deadLetterQueue", RabbitNames.deadLetters(name));
          }
          if (copy.redrive == null && !hasNoDeadLetters) {
            copy.redrive = RabbitNames.checked("redriveExchange", RabbitNames.redrive(name));
          }
          // Only a quorum queue counts deliveries, and only the library's own is known to be one.
          if (copy.attemptMarkers == null && !exists && !isPlain) {
            copy.attemptMarkers =
                RabbitNames.checked("attemptMarkers", RabbitNames.attemptMarkers(name));
          }
        });
  }

  String name() {
    return name;
  }

  boolean exists() {
    return exists;
  }

  List<String> patterns() {
    return patterns;
  }

  /** {@return the arguments with which the library declares the queue} */
  Map<String, Object> declaredArguments() {
    Map<String, Object> all = new HashMap<>(arguments);
    if (!isPlain) {
      all.putAll(
          consumers == ConsumerMode.SINGLE_ACTIVE
              ? RabbitTopology.SINGLE_ACTIVE_QUEUE
              : RabbitTopology.QUORUM_QUEUE);
    }
    return all;
  }

  /** {@return the queue of the dead letters; empty if there are none, or none is named} */
  Optional<String> deadLetters() {
    return Optional.ofNullable(deadLetters);
  }

  /** {@return the exchange that is used for redrives only; empty if none is named} */
  Optional<String> redrive() {
    return Optional.ofNullable(redrive);
  }

  /** {@return the queue of the attempt markers; empty if the queue counts no deliveries} */
  Optional<String> attemptMarkers() {
    return Optional.ofNullable(attemptMarkers);
  }

  /** {@return the exchange of the dead letters; empty for the default exchange} */
  Optional<String> deadLetterExchange() {
    return Optional.ofNullable(deadLetterExchange);
  }

  /** {@return the way of a dead letter of a destination, which must have dead letters} */
  PublishTarget deadLetterTarget(Destination source) {
    return deadLetterExchange == null
        ? new PublishTarget("", deadLetters().orElseThrow(), false, source)
        : new PublishTarget(deadLetterExchange, deadLetterKey, false, source);
  }

  /** {@return all names, which must differ from each other} */
  List<String> queueNames() {
    List<String> names = new ArrayList<>();
    names.add(name);
    deadLetters().ifPresent(names::add);
    attemptMarkers().ifPresent(names::add);
    return names;
  }
}
