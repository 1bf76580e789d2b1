package io.commslib.testkit.inmemory;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.MessageTransportContract;
import io.commslib.testkit.TransportHarness;

class InMemoryTransportContractTest extends MessageTransportContract {

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return new InMemoryHarness(observer);
  }
}
