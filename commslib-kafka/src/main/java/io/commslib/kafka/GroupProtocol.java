package io.commslib.kafka;

/**
 * How members of a consumer group agree on who has which partition. All members of a group use the
 * same; changing it needs a roll in which Kafka converts the group.
 */
public enum GroupProtocol {
  /** Kafka's older protocol, with cooperative-sticky assignment by the clients. */
  CLASSIC,
  /**
   * The protocol of KIP-848: the broker assigns, one partition after the other, and sets session
   * and heartbeat times itself. Brokers from 4.0 on.
   */
  CONSUMER
}
