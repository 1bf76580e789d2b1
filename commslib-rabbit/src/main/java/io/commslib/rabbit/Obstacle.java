package io.commslib.rabbit;

import io.commslib.core.Health;
import java.util.HashMap;
import java.util.Map;

/**
 * The reason for which a connected subscription does not consume. It tries again later. Immutable.
 *
 * @param status the health of the subscription
 * @param reason empty if there is no obstacle
 */
record Obstacle(Health.Status status, String reason) {

  static final Obstacle NONE = new Obstacle(Health.Status.UP, "");

  /** Another consumer is the exclusive one, as intended. */
  static Obstacle standBy(String brokerText) {
    return new Obstacle(Health.Status.UP, brokerText);
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
            + " has it)");
  }

  /** The queue was found to be unsuitable. */
  static Obstacle refused(String text) {
    return new Obstacle(Health.Status.DOWN, "refused: " + text);
  }

  /** The broker has closed the channel. */
  static Obstacle channelLost(String brokerText) {
    return new Obstacle(Health.Status.DOWN, "channel lost: " + brokerText);
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
