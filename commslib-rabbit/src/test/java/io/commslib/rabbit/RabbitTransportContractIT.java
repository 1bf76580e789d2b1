package io.commslib.rabbit;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;

/** The contract on a real RabbitMQ. */
class RabbitTransportContractIT extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new RabbitHarness(RabbitServer.shared().uri(), observer);
  }
}
