package io.commslib.rabbit;

import io.commslib.core.Health;
import io.commslib.core.messaging.SubscribeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The reason for which a connected subscription does not consume. It tries again later. Immutable.
 *
 * @param status the health of the subscription
 * @param reason empty if there is no obstacle
 * @param isUnsuitableQueue whether each attempt may cost a message of the queue a delivery
 */
record Obstacle(Health.Status status, String reason, boolean isUnsuitableQueue) {

  static final Obstacle NONE = new Obstacle(Health.Status.UP, "", false);

  /** The proof that a queue has the right consumers. */
  private static final String UNSUITABLE = "COMMS-RABBIT-017";

  /** Another consumer is the exclusive one, as intended. */
  static Obstacle standBy(String brokerText) {
    return new Obstacle(Health.Status.UP, brokerText, false);
  }

  /** The broker refuses an exclusive consumer, and there is no other consumer. */
  static Obstacle unexplainedRefusal(String queue, String brokerText) {
    return new Obstacle(
        Health.Status.DEGRADED,
        "COMMS-RABBIT-017: exclusive consumer of queue "
            + queue
            + ": refused although the queue has no consumer, "
            + brokerText
            + " (expected: a queue without x-single-active-consumer, or SINGLE_ACTIVE for one that"
            + " has it)",
        false);
  }

  /** The queue was found to be unsuitable, or can't be declared again. */
  static Obstacle refused(String queue, SubscribeException refusal) {
    return new Obstacle(
        Health.Status.DOWN,
        "refused: " + named(queue, String.valueOf(refusal.getMessage())),
        refusal.code().equals(UNSUITABLE));
  }

  /** The broker refuses the consumer. */
  static Obstacle refused(String queue, String text) {
    return new Obstacle(Health.Status.DOWN, "refused: " + named(queue, text), false);
  }

  /** The broker has closed the channel. */
  static Obstacle channelLost(String queue, String text) {
    return new Obstacle(Health.Status.DOWN, "channel lost: " + named(queue, text), false);
  }

  /** The broker has ended the consumer. */
  static Obstacle cancelled(String queue) {
    return new Obstacle(
        Health.Status.DOWN, "the broker has cancelled the consumer of queue " + queue, false);
  }

  /** All messages were returned, and the route is paused. */
  static Obstacle returned(String queue, Duration consumerTimeout) {
    return new Obstacle(
        Health.Status.DEGRADED,
        "paused: the messages of queue "
            + queue
            + " were returned before the consumer timeout of "
            + consumerTimeout
            + ", and it is consumed again when the route opens",
        false);
  }

  /** The texts of the broker name a queue only if it is the cause. */
  private static String named(String queue, String text) {
    return text.contains(queue) ? text : "queue " + queue + ": " + text;
  }

  boolean exists() {
    return !reason.isEmpty();
  }

  /** {@return the health of the subscription, with the details of its engine} */
  Health health(Map<String, String> details) {
    if (status != Health.Status.UP) {
      return Health.of(status, reason, details);
    }
    Map<String, String> all = new HashMap<>(details);
    all.put("standBy", reason);
    return Health.of(Health.Status.UP, "", all);
  }
}
