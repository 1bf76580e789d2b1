package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;

/** The contract on a real Kafka whose groups use the protocol of KIP-848. */
class KafkaConsumerProtocolContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new KafkaHarness(
        KafkaServer.shared().bootstrapServers(), observer, GroupProtocol.CONSUMER);
  }
}
