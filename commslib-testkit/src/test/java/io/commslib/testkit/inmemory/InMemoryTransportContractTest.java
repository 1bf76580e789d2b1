package io.commslib.testkit.inmemory;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.MessageTransportContract;
import io.commslib.testkit.contract.TransportHarness;

class InMemoryTransportContractTest extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new InMemoryHarness(observer);
  }
}
