package io.commslib.rabbit;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;

/** The whole contract on exchanges and queues that exist; for the long run. */
class RabbitExistingBoundContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) throws Exception {
    return BoundRabbitHarness.existing(RabbitServer.shared().uri(), observer);
  }
}
