package io.commslib.rabbit;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A transport whose destinations are bound to names that the library would not choose. Topics are
 * topic exchanges with a routing key. Either the library creates all, or an operator has created
 * all, with queues of a single active consumer for topics and classic queues for queues.
 */
final class BoundRabbitHarness extends RabbitHarness {

  private static final String KEY = "contract.message";
  private static final List<String> PATTERNS = List.of("contract.*");

  /** Creates what others own; null if the library owns all. */
  private final @Nullable RawClient operator;

  /** The destinations for which the operator has created something. */
  private final Set<Destination> created = ConcurrentHashMap.newKeySet();

  /** Whether the operator creates the objects of topics, too. */
  private final boolean topicsExist;

  private BoundRabbitHarness(
      String uri,
      RabbitTransportConfig.Builder config,
      boolean topicsExist,
      @Nullable RawClient operator) {
    super(uri, config);
    this.topicsExist = topicsExist;
    this.operator = operator;
  }

  /** A harness whose objects are created by the library under names of their own. */
  static BoundRabbitHarness ownNames(String uri, CommsObserver observer) {
    return new BoundRabbitHarness(
        uri,
        RabbitTransportConfig.builder(uri)
            .observer(observer)
            .otherBindings(destination -> binding(destination, false)),
        false,
        null);
  }

  /** A harness whose objects exist; the transport creates nothing. */
  static BoundRabbitHarness existing(String uri, CommsObserver observer) throws Exception {
    return new BoundRabbitHarness(
        uri,
        RabbitTransportConfig.builder(uri)
            .observer(observer)
            .otherBindings(destination -> binding(destination, true).existing()),
        true,
        RawClient.connect(uri));
  }

  /** A harness that creates the objects of topics and finds those of queues. */
  static BoundRabbitHarness ownTopicsAndExistingQueues(String uri, CommsObserver observer)
      throws Exception {
    return new BoundRabbitHarness(
        uri,
        RabbitTransportConfig.builder(uri)
            .observer(observer)
            .otherBindings(
                destination ->
                    destination.kind() == Destination.Kind.TOPIC
                        ? binding(destination, false)
                        : binding(destination, true).existing()),
        false,
        RawClient.connect(uri));
  }

  private static RabbitBinding binding(Destination destination, boolean exists) {
    if (destination.kind() == Destination.Kind.QUEUE) {
      String name = name(destination);
      RabbitBinding queue =
          exists
              ? RabbitBinding.existingQueue(name, ConsumerMode.EXCLUSIVE)
              : RabbitBinding.queue(name).attemptMarkers(name + " markers");
      return queue.deadLetterQueue(name + " dead").redriveExchange(name + " back");
    }
    return RabbitBinding.exchange(name(destination), "topic")
        .routingKey(message -> KEY)
        .otherQueues(group -> groupQueue(name(destination) + "/" + group, exists));
  }

  private static QueueBinding groupQueue(String name, boolean exists) {
    QueueBinding queue =
        exists
            ? QueueBinding.existing(name, ConsumerMode.SINGLE_ACTIVE)
            : QueueBinding.own(name, PATTERNS);
    return queue.with(
        copy -> {
          copy.deadLetters = name + " dead";
          copy.isDeadLetterQueueNamed = true;
          copy.redrive = name + " back";
          copy.attemptMarkers = name + " markers";
        });
  }

  private static String name(Destination destination) {
    return "Bound: ü " + destination.name();
  }

  @Override
  String exchange(Destination to) {
    return to.kind() == Destination.Kind.QUEUE ? "" : name(to);
  }

  @Override
  String routingKey(Destination to) {
    return to.kind() == Destination.Kind.QUEUE ? name(to) : KEY;
  }

  /** {@return the transport; an operator creates what a call of it requires} */
  @Override
  public MessageTransport transport() {
    MessageTransport transport = super.transport();
    if (operator == null) {
      return transport;
    }
    return proxy(
        MessageTransport.class,
        (method, arguments) -> {
          if (method.getName().equals("declare")) {
            create((DestinationConfig) arguments[0]);
          }
          Object result = invoke(transport, method, arguments);
          return result instanceof Subscriber subscriber ? withQueues(subscriber) : result;
        });
  }

  private Subscriber withQueues(Subscriber subscriber) {
    return proxy(
        Subscriber.class,
        (method, arguments) -> {
          if (arguments != null
              && arguments[0] instanceof SubscriptionConfig config
              && created.contains(config.destination())) {
            createGroup(config.destination(), config.group());
          }
          return invoke(subscriber, method, arguments);
        });
  }

  private void create(DestinationConfig config) throws IOException {
    if (config.isVerifyOnly()) {
      return;
    }
    Destination destination = config.destination();
    created.add(destination);
    if (destination.kind() == Destination.Kind.TOPIC && topicsExist) {
      operator.channel().exchangeDeclare(name(destination), "topic", true);
    }
    for (String group : config.groups()) {
      createGroup(destination, group);
    }
  }

  private void createGroup(Destination destination, String group) throws IOException {
    boolean topic = destination.kind() == Destination.Kind.TOPIC;
    if (topic && !topicsExist) {
      return;
    }
    String name = topic ? name(destination) + "/" + group : name(destination);
    queue(name, topic ? RabbitTopology.SINGLE_ACTIVE_QUEUE : Map.of());
    queue(name + " dead", topic ? RabbitTopology.QUORUM_QUEUE : Map.of());
    operator.channel().exchangeDeclare(name + " back", "fanout", true);
    operator.channel().queueBind(name, name + " back", "");
    if (topic) {
      queue(name + " markers", RabbitTopology.QUORUM_QUEUE);
      operator.channel().queueBind(name, name(destination), "contract.#");
    }
  }

  private void queue(String name, Map<String, Object> arguments) throws IOException {
    operator.channel().queueDeclare(name, true, false, false, arguments);
  }

  private interface Call {
    @Nullable Object call(Method method, Object @Nullable [] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call.call(method, arguments)));
  }

  private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Override
  public void close() {
    super.close();
    if (operator != null) {
      operator.close();
    }
  }
}
