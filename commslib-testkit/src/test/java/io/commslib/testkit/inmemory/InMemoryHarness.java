package io.commslib.testkit.inmemory;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.TransportHarness;
import java.util.Map;

/** The in-memory transport under the contract. */
public final class InMemoryHarness implements TransportHarness {

  private final InMemoryTransport transport;

  public InMemoryHarness(CommsObserver observer) {
    this.transport = InMemoryTransport.builder().observer(observer).build();
  }

  @Override
  public MessageTransport transport() {
    return transport;
  }

  @Override
  public void publishForeign(Destination to, String key, byte[] body) {
    transport.publishRaw(to, new ForeignRecord(key, Map.of(), body));
  }

  @Override
  public int maxMessageBytes() {
    return 1024 * 1024;
  }

  @Override
  public void close() {
    transport.close();
  }
}
