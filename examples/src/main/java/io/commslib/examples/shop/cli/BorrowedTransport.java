package io.commslib.examples.shop.cli;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;

/**
 * A transport that several services of one process share. Closing it has no effect, so that the
 * other services can continue to use it.
 */
record BorrowedTransport(MessageTransport shared) implements MessageTransport {

  @Override
  public String name() {
    return shared.name();
  }

  @Override
  public TransportCapabilities capabilities() {
    return shared.capabilities();
  }

  @Override
  public TransportCapabilities capabilities(Destination destination) {
    return shared.capabilities(destination);
  }

  @Override
  public void declare(DestinationConfig config) {
    shared.declare(config);
  }

  @Override
  public Publisher publisher() {
    return shared.publisher();
  }

  @Override
  public Subscriber subscriber() {
    return shared.subscriber();
  }

  @Override
  public DeadLetters deadLetters() {
    return shared.deadLetters();
  }

  @Override
  public Health health() {
    return shared.health();
  }

  @Override
  public void close() {
    // The owner closes the shared transport.
  }
}
