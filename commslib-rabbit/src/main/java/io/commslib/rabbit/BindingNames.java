package io.commslib.rabbit;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import java.util.HashSet;
import java.util.Set;

/**
 * The rules for the names of bindings: all queues differ, and an exchange that redrives to a queue
 * has no other use, since headers of the library are believed in what arrives through it.
 */
final class BindingNames {

  static final String REDRIVES_ONLY =
      "each exchange that only redrives use for one queue and nothing else";

  private BindingNames() {}

  /** Checks that a binding fits a destination and that all its names differ. */
  static void check(Destination destination, RabbitBinding binding) {
    Checks.check(
        binding.isExchange() || destination.kind() == Destination.Kind.QUEUE,
        "binding of " + destination,
        "a queue",
        "an exchange, since each group of a topic has a queue of its own");
    Set<String> names = new HashSet<>();
    for (QueueBinding queue : binding.namedQueues()) {
      for (String name : queue.queueNames()) {
        Checks.check(names.add(name), "binding of " + destination, name, "each queue once");
      }
    }
    checkBeside(destination, binding, binding);
  }

  /** Checks that no exchange of a binding is one by which the other redrives to its queues. */
  static void checkBeside(Destination destination, RabbitBinding binding, RabbitBinding other) {
    if (binding.isExchange()) {
      requireNoRedrives(destination, binding.exchange(), "", other);
    }
    for (QueueBinding queue : binding.namedQueues()) {
      queue.redrive().ifPresent(name -> requireNoRedrives(destination, name, queue.name(), other));
      queue.deadLetterExchange().ifPresent(name -> requireNoRedrives(destination, name, "", other));
    }
  }

  /** Checks that an exchange redrives to no queue of a binding, except the named one. */
  private static void requireNoRedrives(
      Destination destination, String exchange, String exceptQueue, RabbitBinding binding) {
    for (QueueBinding queue : binding.namedQueues()) {
      Checks.check(
          queue.name().equals(exceptQueue) || queue.redrive().filter(exchange::equals).isEmpty(),
          "binding of " + destination,
          exchange,
          REDRIVES_ONLY);
    }
  }
}
