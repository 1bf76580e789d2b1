package io.commslib.rabbit;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscribeException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The bindings of all destinations, those without one of their own included. Thread-safe. */
final class RabbitBindings {

  private final Map<Destination, RabbitBinding> bindings;

  private final Function<Destination, RabbitBinding> others;

  /**
   * @param own bindings of the application
   * @param others bindings of all other destinations
   */
  RabbitBindings(Map<Destination, RabbitBinding> own, Function<Destination, RabbitBinding> others) {
    this.bindings = new ConcurrentHashMap<>(own);
    this.others = others;
  }

  RabbitBinding of(Destination destination) {
    RabbitBinding known = bindings.get(destination);
    return known != null ? known : bindings.computeIfAbsent(destination, others);
  }

  /**
   * Returns the queue of a group.
   *
   * @throws SubscribeException if the binding of the destination does not name the group
   */
  QueueBinding queue(Destination destination, String group) {
    return of(destination)
        .queueOf(group)
        .orElseThrow(
            () ->
                new SubscribeException(
                    "COMMS-RABBIT-018",
                    FailureKind.PERMANENT,
                    "group: "
                        + group
                        + " (expected: one whose queue the binding of "
                        + destination
                        + " names, RabbitBinding.queue)",
                    null));
  }

  /** {@return the name to which the source of a group's records is bound} */
  String boundName(Destination destination, QueueBinding queue) {
    RabbitBinding binding = of(destination);
    return binding.isExchange() ? binding.exchange() : queue.name();
  }
}
