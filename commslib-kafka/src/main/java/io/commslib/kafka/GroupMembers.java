package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.Optional;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.common.GroupType;

/**
 * Refuses to join a consumer group whose running members share partitions in another way. The
 * broker would refuse the join for as long as they run.
 */
final class GroupMembers {

  private static final String ASSIGNOR = new CooperativeStickyAssignor().name();

  private GroupMembers() {}

  /**
   * Checks the running members of a group. Whether members of both protocols may be in one group is
   * decided by the broker, so a change of the own protocol remains possible.
   *
   * @throws SubscribeException {@code PERMANENT} if they use another assignor
   */
  static void check(Optional<ConsumerGroupDescription> group, GroupProtocol protocol) {
    if (group.isEmpty() || protocol != GroupProtocol.CLASSIC) {
      return;
    }
    ConsumerGroupDescription found = group.get();
    String assignor = found.partitionAssignor();
    // It has none before the first assignment.
    boolean known = !found.members().isEmpty() && !assignor.isEmpty();
    if (known && found.type() == GroupType.CLASSIC && !assignor.equals(ASSIGNOR)) {
      throw new SubscribeException(
          "COMMS-KAFKA-015",
          FailureKind.PERMANENT,
          "consumer group "
              + found.groupId()
              + " assignor: "
              + assignor
              + " (expected: "
              + ASSIGNOR
              + ", or no running member; its offsets continue once the others have stopped)",
          null);
    }
  }

  /** The refusal of a join that the broker does not accept, since the members differ too much. */
  static SubscribeException otherProtocol(SubscriptionConfig subscription, Throwable failure) {
    return new SubscribeException(
        "COMMS-KAFKA-015",
        FailureKind.PERMANENT,
        "consumer group of "
            + subscription.group()
            + " of "
            + subscription.destination()
            + ": "
            + failure.getMessage()
            + " (expected: running members with the protocol of this transport, or none)",
        failure);
  }
}
