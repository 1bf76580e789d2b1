package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;

/** The whole contract on topics with names of their own that exist already; long verification. */
class KafkaBoundContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return KafkaHarness.onExistingTopics(KafkaServer.shared().bootstrapServers(), observer);
  }
}
