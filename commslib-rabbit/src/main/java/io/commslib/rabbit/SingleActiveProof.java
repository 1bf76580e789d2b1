package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Verifies that an existing queue has a single active consumer. AMQP 0-9-1 can't read a queue's
 * arguments, but the broker compares every declaration with the queue and names one difference. So
 * the queue is declared with a single active consumer, and with each argument that the broker
 * names, until the declaration is equal. That proves the argument; a difference in this argument
 * disproves it. The broker requires the configure permission on the queue for a declaration.
 */
final class SingleActiveProof {

  private static final Logger log = LoggerFactory.getLogger(SingleActiveProof.class);

  static final String ARGUMENT = "x-single-active-consumer";

  /** What the broker answers about the queue; all else is a failure that proves nothing. */
  private static final Set<Integer> ANSWERS =
      Set.of(AMQP.PRECONDITION_FAILED, AMQP.ACCESS_REFUSED, AMQP.RESOURCE_LOCKED);

  /** More than the number of arguments that a queue can have. */
  private static final int MAX_DIFFERENCES = 40;

  /** The broker's text for a declaration that differs, since 3.8. */
  private static final Pattern DIFFERENCE =
      Pattern.compile(
          "inequivalent arg '(?<name>[^']+)' for queue .* but current is (?<current>.*)",
          Pattern.DOTALL);

  private static final Pattern TYPED_VALUE =
      Pattern.compile("the value '(?<value>.*)' of type '(?<type>[a-z]+)'", Pattern.DOTALL);

  private static final Pattern FLAG = Pattern.compile("'(?<value>true|false)'");

  private final Connection connection;
  private final String queue;
  private final Map<String, Object> arguments = new HashMap<>(Map.of(ARGUMENT, true));
  private boolean durable = true;
  private boolean autoDelete;

  private SingleActiveProof(Connection connection, String queue) {
    this.connection = connection;
    this.queue = queue;
  }

  /**
   * Verifies a queue that exists.
   *
   * @param isAssumed whether an operator vouches for the queue, which counts if the rights for a
   *     proof are missing
   * @throws SubscribeException if it has no single active consumer, or there is no proof
   * @throws IOException if the connection fails
   */
  static void require(Connection connection, String queue, boolean isAssumed) throws IOException {
    String missing = new SingleActiveProof(connection, queue).missing();
    if (missing == null) {
      return;
    }
    if (!isAssumed) {
      throw new SubscribeException(
          "COMMS-RABBIT-017",
          FailureKind.PERMANENT,
          "single active consumer of queue "
              + queue
              + ": not proved, since "
              + missing
              + " (expected: the configure permission on the queue,"
              + " or RabbitBinding.assumed, or an unordered subscription)",
          null);
    }
    log.warn(
        "the single active consumer of queue {} is assumed, since {}; without one the order of a key"
            + " is not held",
        queue,
        missing);
  }

  /** {@return null if it is proved, otherwise the reason why there is no proof} */
  private @Nullable String missing() throws IOException {
    for (int i = 0; i < MAX_DIFFERENCES; i++) {
      RabbitErrors.Close refusal = declare();
      if (refusal == null) {
        return null;
      }
      if (refusal.code() != AMQP.PRECONDITION_FAILED || !learn(refusal.text())) {
        return refusal.text();
      }
    }
    return "its arguments differ from every declaration";
  }

  /** {@return null if the declaration equals the queue, otherwise the broker's refusal} */
  private RabbitErrors.@Nullable Close declare() throws IOException {
    Channel channel = connection.createChannel();
    try {
      channel.queueDeclarePassive(queue);
      channel.queueDeclare(queue, durable, false, autoDelete, arguments);
      return null;
    } catch (IOException e) {
      RabbitErrors.Close close = RabbitErrors.close(e);
      if (close != null && ANSWERS.contains(close.code())) {
        return close;
      }
      throw e;
    } finally {
      RabbitTopology.closeQuietly(channel);
    }
  }

  /** Takes over the value that the broker names; false if it can't. */
  private boolean learn(String text) {
    Matcher difference = DIFFERENCE.matcher(text);
    if (!difference.find()) {
      if (text.contains("inequivalent arg '" + ARGUMENT + "'")) {
        // The broker cuts its text at 255 bytes, which a long name of the queue fills.
        throw disproved("none");
      }
      return false;
    }
    String name = difference.group("name");
    String current = difference.group("current");
    if (name.equals(ARGUMENT)) {
      throw disproved(current);
    }
    Matcher flag = FLAG.matcher(current);
    if (flag.matches()) {
      return learnFlag(name, flag.group("value").equals("true"));
    }
    Matcher value = TYPED_VALUE.matcher(current);
    Object typed = value.matches() ? typed(value.group("value"), value.group("type")) : null;
    return typed != null && !typed.equals(arguments.put(name, typed));
  }

  private SubscribeException disproved(String current) {
    return new SubscribeException(
        "COMMS-RABBIT-017",
        FailureKind.PERMANENT,
        "single active consumer of queue "
            + queue
            + ": "
            + current
            + " (expected: true for an ordered subscription with SINGLE_ACTIVE)",
        null);
  }

  private boolean learnFlag(String name, boolean value) {
    if (name.equals("durable")) {
      durable = value;
    } else if (name.equals("auto_delete")) {
      autoDelete = value;
    } else {
      return false;
    }
    return true;
  }

  private static @Nullable Object typed(String value, String type) {
    try {
      return switch (type) {
        case "longstr" -> value;
        case "bool" -> value.equals("true");
        case "byte", "short", "signedint", "long", "unsignedbyte", "unsignedshort", "unsignedint" ->
            Long.valueOf(value);
        default -> null;
      };
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
