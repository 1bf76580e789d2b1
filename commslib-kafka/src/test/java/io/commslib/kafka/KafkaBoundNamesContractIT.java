package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.BoundNamesContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;

/** The chapters that a name can break, on topics with names of their own that exist already. */
class KafkaBoundNamesContractIT extends BoundNamesContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return KafkaHarness.onExistingTopics(KafkaServer.shared().bootstrapServers(), observer);
  }
}
