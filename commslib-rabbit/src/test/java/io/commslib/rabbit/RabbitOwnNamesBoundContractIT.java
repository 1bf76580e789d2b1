package io.commslib.rabbit;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;

/** The whole contract on exchanges and queues with names of their own; for the long run. */
class RabbitOwnNamesBoundContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) throws Exception {
    return BoundRabbitHarness.ownNames(RabbitServer.shared().uri(), observer);
  }
}
