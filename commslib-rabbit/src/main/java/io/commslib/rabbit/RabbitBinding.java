package io.commslib.rabbit;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The exchange and queues of a destination on the broker, where they differ from the library's
 * defaults. {@link RabbitTransportConfig.Builder#bind} assigns it to a destination. Immutable:
 * every method returns a changed copy.
 *
 * <p>Ownership. The library creates what is missing, except for a queue named by {@code
 * existingQueue}. With {@link #existing()}, or if the destination is declared verify-only, it
 * creates nothing and checks that all it needs exists. Nothing is ever deleted or changed: a
 * pattern that is removed from a binding stays bound until an operator unbinds it.
 *
 * <p>Methods without a group refer to the queue that was named last.
 */
public final class RabbitBinding {

  private static final String FANOUT = "fanout";
  private static final Pattern KIND = Pattern.compile("fanout|direct|topic|headers|x-.{1,200}");
  private static final Set<String> OWNED =
      Set.of("x-queue-type", "x-single-active-consumer", "x-delivery-limit");

  /** Empty for the default exchange, which routes to the queue by its name. */
  private final String exchange;

  private final String kind;

  private Function<Message, String> routingKey;
  private Map<String, QueueBinding> queues = Map.of();

  /** The group whose queue was named last; empty for the only queue of a queue binding. */
  private String last = "";

  private boolean existing;

  /** The queues of groups that are not named; null if every group must be named. */
  private @Nullable Function<String, QueueBinding> otherQueues;

  private RabbitBinding(String exchange, String kind, Function<Message, String> routingKey) {
    this.exchange = exchange;
    this.kind = kind;
    this.routingKey = routingKey;
  }

  private RabbitBinding copy() {
    RabbitBinding copy = new RabbitBinding(exchange, kind, routingKey);
    copy.queues = queues;
    copy.last = last;
    copy.existing = existing;
    copy.otherQueues = otherQueues;
    return copy;
  }

  /** The topology without a binding. */
  static RabbitBinding standard(Destination destination) {
    return destination.kind() == Destination.Kind.TOPIC
        ? exchange(destination.name(), FANOUT)
        : queueOf(QueueBinding.own(destination.name(), List.of()));
  }

  /**
   * Binds a destination to an exchange. Messages are published to it, and each group has a queue
   * that is bound to it.
   *
   * <p>A group of a fanout exchange that is not named by {@link #queue(String, String, String...)}
   * has the queue {@code <exchange>@<group>}. A group of any other kind of exchange must be named.
   *
   * @param name name of the exchange, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @param kind {@code fanout}, {@code direct}, {@code topic}, {@code headers}, or the kind of a
   *     plugin, which starts with {@code x-}
   * @return new binding, whose messages have the empty routing key
   * @throws IllegalArgumentException if name or kind breaks its rule
   */
  public static RabbitBinding exchange(String name, String kind) {
    Checks.matches("kind", kind, KIND, "fanout, direct, topic, headers or x-...");
    return new RabbitBinding(RabbitNames.checked("exchange", name), kind, message -> "");
  }

  /**
   * Binds a queue destination to a queue that the library creates: a quorum queue with a single
   * active consumer, unless {@link #plain()} or {@link #consumers} change it. Messages are
   * published through the default exchange.
   *
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @return new binding
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public static RabbitBinding queue(String name) {
    return queueOf(QueueBinding.own(RabbitNames.checked("queue", name), List.of()));
  }

  /**
   * Binds a queue destination to a queue of another owner, which is never created. Its targets for
   * dead letters and redrive are created unless {@link #existing()} is set.
   *
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @param consumers how the queue's consumers share its messages, which the library verifies for
   *     an ordered subscription
   * @return new binding
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public static RabbitBinding existingQueue(String name, ConsumerMode consumers) {
    Objects.requireNonNull(consumers, "consumers");
    return queueOf(QueueBinding.existing(RabbitNames.checked("queue", name), consumers));
  }

  private static RabbitBinding queueOf(QueueBinding queue) {
    String name = queue.name();
    RabbitBinding binding = new RabbitBinding("", "direct", message -> name);
    binding.queues = Map.of("", queue);
    return binding;
  }

  /**
   * Sets the routing key of published messages. A function that fails, or returns null or more than
   * 255 bytes in UTF-8, fails the publish as {@code NOT_SENT} and permanent. A message whose key
   * reaches no queue is not sent either.
   *
   * @param key returns the routing key, for example {@code Message::type}; called by each publish
   *     on the caller's thread; default the empty key
   * @return changed copy
   * @throws IllegalArgumentException if this binding is that of a queue
   */
  public RabbitBinding routingKey(Function<Message, String> key) {
    Objects.requireNonNull(key, "key");
    Checks.check(
        isExchange(), "routingKey", "set", "a binding of an exchange; a queue has its name as key");
    RabbitBinding copy = copy();
    copy.routingKey = key;
    return copy;
  }

  /**
   * Names the queue of a group. The library creates it and binds it to the exchange, by each of the
   * patterns.
   *
   * @param group name of the group
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @param patterns binding keys, such as {@code order.*} for a topic exchange, at most 255 bytes
   *     each; none for a fanout exchange
   * @return changed copy
   * @throws IllegalArgumentException if a name or pattern breaks its rule, the group has a queue
   *     already, or this binding is that of a queue
   */
  public RabbitBinding queue(String group, String name, String... patterns) {
    for (String pattern : patterns) {
      Checks.check(RabbitNames.fits(pattern), "pattern", pattern, "at most 255 bytes in UTF-8");
    }
    Checks.check(
        isFanout() ? patterns.length == 0 : patterns.length > 0,
        "patterns",
        List.of(patterns),
        "none for a fanout exchange, else one or more");
    List<String> keys = isFanout() ? List.of("") : List.of(patterns);
    return withQueue(group, QueueBinding.own(RabbitNames.checked("queue", name), keys));
  }

  /**
   * Names an existing queue of another owner as the queue of a group. It is never created, and
   * bound only to its redrive exchange, unless {@link #existing()} is set.
   *
   * @param group name of the group
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @param consumers how the queue's consumers share its messages, which the library verifies for
   *     an ordered subscription
   * @return changed copy
   * @throws IllegalArgumentException if a name breaks its rule, the group has a queue already, or
   *     this binding is that of a queue
   */
  public RabbitBinding existingQueue(String group, String name, ConsumerMode consumers) {
    Objects.requireNonNull(consumers, "consumers");
    return withQueue(group, QueueBinding.existing(RabbitNames.checked("queue", name), consumers));
  }

  private RabbitBinding withQueue(String group, QueueBinding queue) {
    Checks.check(isExchange(), "queue", queue.name(), "a binding of an exchange");
    Checks.check(!group.isEmpty() && !queues.containsKey(group), "group", group, "each group once");
    RabbitBinding copy = copy();
    Map<String, QueueBinding> all = new LinkedHashMap<>(queues);
    all.put(group, queue);
    copy.queues = all;
    copy.last = group;
    return copy;
  }

  private RabbitBinding changed(String setting, QueueBinding.Change change) {
    QueueBinding queue = queues.get(last);
    Checks.check(queue != null, setting, "set", "a queue that was named before");
    RabbitBinding copy = copy();
    Map<String, QueueBinding> all = new LinkedHashMap<>(queues);
    all.put(last, Objects.requireNonNull(queue).with(change));
    copy.queues = all;
    return copy;
  }

  private QueueBinding lastQueue(String setting) {
    QueueBinding queue = queues.get(last);
    Checks.check(queue != null, setting, "set", "a queue that was named before");
    return Objects.requireNonNull(queue);
  }

  /**
   * Makes the queue a durable classic queue without arguments, so that a declaration of a foreign
   * program without arguments fits, before or after this one. Its consumer is {@link
   * ConsumerMode#EXCLUSIVE} unless {@link #consumers} is called afterwards. A classic queue does
   * not count deliveries, so a message that kills its process is never recognised.
   *
   * @return changed copy
   * @throws IllegalArgumentException if the queue exists already by this binding
   */
  public RabbitBinding plain() {
    Checks.check(!lastQueue("plain").exists(), "plain", "set", "a queue that the library creates");
    return changed(
        "plain",
        queue -> {
          queue.isPlain = true;
          queue.attemptMarkers = null;
          queue.consumers = ConsumerMode.EXCLUSIVE;
        });
  }

  /**
   * Sets how the queue's consumers share its messages.
   *
   * @param mode default {@link ConsumerMode#SINGLE_ACTIVE}, and {@link ConsumerMode#EXCLUSIVE} for
   *     a plain queue
   * @return changed copy
   * @throws IllegalArgumentException if the queue can't have this mode: a plain queue has no single
   *     active consumer, and a quorum queue ignores exclusive consumers
   */
  public RabbitBinding consumers(ConsumerMode mode) {
    Objects.requireNonNull(mode, "mode");
    QueueBinding queue = lastQueue("consumers");
    ConsumerMode wrong = queue.isPlain ? ConsumerMode.SINGLE_ACTIVE : ConsumerMode.EXCLUSIVE;
    Checks.check(
        queue.exists() || mode != wrong,
        "consumers",
        mode,
        queue.isPlain ? "EXCLUSIVE or COMPETING" : "SINGLE_ACTIVE or COMPETING");
    return changed("consumers", copy -> copy.consumers = mode);
  }

  /**
   * Sets further arguments with which the queue is declared, such as {@code x-max-length}.
   * Arguments that discard messages, such as {@code x-message-ttl}, are the caller's decision.
   *
   * @param arguments names and values; default none. Not {@code x-queue-type}, {@code
   *     x-single-active-consumer} or {@code x-delivery-limit}
   * @return changed copy
   * @throws IllegalArgumentException if one of these is named, or the queue is not created by the
   *     library
   */
  public RabbitBinding arguments(Map<String, Object> arguments) {
    Map<String, Object> given = Map.copyOf(arguments);
    Checks.check(
        !lastQueue("arguments").exists(), "arguments", given, "a queue that the library creates");
    for (String name : OWNED) {
      Checks.check(!given.containsKey(name), "arguments", name, "none that consumers or plain set");
    }
    return changed("arguments", queue -> queue.arguments = given);
  }

  /**
   * Takes the operator's word that the queue has a single active consumer, if the library lacks the
   * rights to verify it. The subscription logs a warning then. Without it an ordered subscription
   * is refused. What is disproved is refused in any case.
   *
   * @return changed copy
   */
  public RabbitBinding assumed() {
    return changed("assumed", queue -> queue.isAssumed = true);
  }

  /**
   * Names the queue of the dead letters. They are written through the default exchange, unless
   * {@link #deadLetterExchange} is called, and listed from this queue.
   *
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}; default
   *     {@code <queue>@.dlq}, and none with {@link #existing()}. Groups may share a queue: each
   *     lists, redrives and discards only letters whose cause names its own destination and group,
   *     or none
   * @return changed copy
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public RabbitBinding deadLetterQueue(String name) {
    String checked = RabbitNames.checked("deadLetterQueue", name);
    return changed(
        "deadLetterQueue",
        queue -> {
          queue.deadLetters = checked;
          queue.isDeadLetterQueueNamed = true;
          queue.hasNoDeadLetters = false;
        });
  }

  /**
   * Writes dead letters through an existing exchange, which the library never creates. Whether it
   * routes shows at the first letter: the letter of a message that reaches no queue stays with its
   * message, the route pauses, and health names exchange and key.
   *
   * @param exchange name of the exchange, 1 to 255 bytes in UTF-8, not starting with {@code amq.}
   * @param routingKey routing key of the letters, at most 255 bytes in UTF-8
   * @return changed copy
   * @throws IllegalArgumentException if a value breaks its rule, or no {@link #deadLetterQueue} was
   *     named before
   */
  public RabbitBinding deadLetterExchange(String exchange, String routingKey) {
    String checked = RabbitNames.checked("deadLetterExchange", exchange);
    Checks.check(
        RabbitNames.fits(routingKey), "routingKey", routingKey, "at most 255 bytes in UTF-8");
    Checks.check(
        lastQueue("deadLetterExchange").deadLetters().isPresent(),
        "deadLetterExchange",
        exchange,
        "a deadLetterQueue that was named before, from which letters are listed");
    return changed(
        "deadLetterExchange",
        queue -> {
          queue.deadLetterExchange = checked;
          queue.deadLetterKey = routingKey;
        });
  }

  /**
   * Discards nothing and needs no dead-letter queue: what would be a dead letter blocks its key
   * until it succeeds. Without a key, or if the subscription is unordered, it pauses the route for
   * each of its waits. Health names it. By default there are dead letters. The broker redelivers
   * what waits longer than its {@code consumer_timeout}; an existing quorum queue with a low
   * delivery limit drops it in the end.
   *
   * @return changed copy
   */
  public RabbitBinding noDeadLetters() {
    return changed(
        "noDeadLetters",
        queue -> {
          queue.hasNoDeadLetters = true;
          queue.deadLetters = null;
          queue.deadLetterExchange = null;
        });
  }

  /**
   * Names the exchange through which dead letters are redriven to the queue. Only the library may
   * publish to it: headers of the library are believed in messages that arrive through it and in no
   * others.
   *
   * @param name name of a fanout exchange, 1 to 255 bytes in UTF-8, not starting with {@code amq.};
   *     default {@code <queue>@.redrive}; no other queue may have the same one. With {@link
   *     #existing()} there is no default, and without a name dead letters can be listed and
   *     discarded but not redriven
   * @return changed copy
   * @throws IllegalArgumentException if the name breaks its rule, or is that of the exchange to
   *     which messages are published
   */
  public RabbitBinding redriveExchange(String name) {
    String checked = RabbitNames.checked("redriveExchange", name);
    Checks.check(!checked.equals(exchange), "redriveExchange", name, BindingNames.REDRIVES_ONLY);
    return changed("redriveExchange", queue -> queue.redrive = checked);
  }

  /**
   * Names the queue of the attempt markers, by which a message that kills its process is
   * recognised. The queue of the group must be a quorum queue, since only those count deliveries.
   *
   * @param name name of the queue, 1 to 255 bytes in UTF-8, not starting with {@code amq.}; default
   *     {@code <queue>@.begun} for a quorum queue that the library creates, otherwise none
   * @return changed copy
   * @throws IllegalArgumentException if the name breaks its rule, or the queue is plain
   */
  public RabbitBinding attemptMarkers(String name) {
    String checked = RabbitNames.checked("attemptMarkers", name);
    Checks.check(
        !lastQueue("attemptMarkers").isPlain, "attemptMarkers", name, "none for a plain queue");
    return changed("attemptMarkers", queue -> queue.attemptMarkers = checked);
  }

  /**
   * Creates nothing, and checks at declare and subscribe that all it needs exists. Targets have no
   * default names: a subscription is refused if it has neither a {@link #deadLetterQueue} nor
   * {@link #noDeadLetters()}.
   *
   * @return changed copy
   */
  public RabbitBinding existing() {
    RabbitBinding copy = copy();
    copy.existing = true;
    return copy;
  }

  /** Sets the queues of groups that are not named. */
  RabbitBinding otherQueues(Function<String, QueueBinding> byGroup) {
    RabbitBinding copy = copy();
    copy.otherQueues = byGroup;
    return copy;
  }

  /** {@return the queues that the binding names, with the default names of their targets} */
  List<QueueBinding> namedQueues() {
    return queues.values().stream().map(QueueBinding::withDefaultTargets).toList();
  }

  boolean isExchange() {
    return !exchange.isEmpty();
  }

  private boolean isFanout() {
    return kind.equals(FANOUT);
  }

  /** {@return the exchange to publish to, empty for the default exchange} */
  String exchange() {
    return exchange;
  }

  String kind() {
    return kind;
  }

  boolean isExisting() {
    return existing;
  }

  /**
   * {@return the routing key of a message, which is null if the caller's function breaks its rule}
   */
  @Nullable String routingKey(Message message) {
    return routingKey.apply(message);
  }

  /** {@return the queue of a group; empty if the binding names none} */
  Optional<QueueBinding> queueOf(String group) {
    QueueBinding named = isExchange() ? queues.get(group) : queues.get("");
    if (named == null && otherQueues != null) {
      named = otherQueues.apply(group);
    }
    if (named == null && isFanout() && !existing) {
      named = QueueBinding.own(RabbitNames.queueOf(exchange, group), List.of(""));
    }
    return Optional.ofNullable(named).map(queue -> existing ? queue : queue.withDefaultTargets());
  }

  /** {@return whether every queue counts the deliveries of a message} */
  boolean countsDeliveries() {
    return queues.values().stream()
        .map(queue -> existing ? queue : queue.withDefaultTargets())
        .allMatch(queue -> queue.attemptMarkers().isPresent());
  }

  /** {@return whether the library creates every queue, durable} */
  boolean isDurable() {
    return queues.values().stream().noneMatch(QueueBinding::exists);
  }
}
