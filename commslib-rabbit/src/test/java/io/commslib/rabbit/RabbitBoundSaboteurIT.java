package io.commslib.rabbit;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.SaboteurContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.RabbitServer;

/** Every saboteur on exchanges and queues with bindings; for the long run. */
class RabbitBoundSaboteurIT extends SaboteurContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) throws Exception {
    return BoundRabbitHarness.ownTopicsAndExistingQueues(RabbitServer.shared().uri(), observer);
  }
}
