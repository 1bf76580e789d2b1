package io.commslib.kafka;

/**
 * The protocol by which the members of a consumer group share the partitions. All members of a
 * group must use the same one. To change it, restart the members one after the other; Kafka
 * converts the group meanwhile.
 */
public enum GroupProtocol {
  /** Kafka's older protocol, with cooperative-sticky assignment by the clients. The default. */
  CLASSIC,
  /**
   * The protocol of KIP-848: the broker assigns one partition after the other, and decides session
   * and heartbeat times. Requires brokers and clients from 4.0 on.
   */
  CONSUMER
}
