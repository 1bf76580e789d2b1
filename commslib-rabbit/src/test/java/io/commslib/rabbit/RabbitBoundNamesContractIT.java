package io.commslib.rabbit;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.BoundNamesContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;

/** The contract on exchanges with names of their own, and on queues that exist. */
class RabbitBoundNamesContractIT extends BoundNamesContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) throws Exception {
    return BoundRabbitHarness.ownTopicsAndExistingQueues(RabbitServer.shared().uri(), observer);
  }
}
