package io.commslib.examples.shop.cli;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import java.util.function.Function;

/** Opens a service's connection to the broker: the line in which the brokers differ. */
final class Brokers implements AutoCloseable {

  private final Function<String, MessageTransport> open;
  private final Runnable close;

  private Brokers(Function<String, MessageTransport> open, Runnable close) {
    this.open = open;
    this.close = close;
  }

  static Brokers memory(CommsRuntime runtime) {
    InMemoryTransport shared = InMemoryTransport.builder().runtime(runtime).build();
    return new Brokers(service -> new BorrowedTransport(shared), shared::close);
  }

  MessageTransport open(String service) {
    return open.apply(service);
  }

  @Override
  public void close() {
    close.run();
  }
}
