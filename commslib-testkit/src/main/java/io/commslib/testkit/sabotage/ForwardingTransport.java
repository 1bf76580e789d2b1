package io.commslib.testkit.sabotage;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportCapabilities;
import java.time.Duration;

/** A transport that delegates every call; saboteurs override one. */
class ForwardingTransport implements MessageTransport {

  final MessageTransport healthy;
  private final Subscriber subscriber = this::subscribe;

  ForwardingTransport(MessageTransport healthy) {
    this.healthy = healthy;
  }

  Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
    return healthy.subscriber().subscribe(config, handler);
  }

  @Override
  public String name() {
    return healthy.name();
  }

  @Override
  public TransportCapabilities capabilities() {
    return healthy.capabilities();
  }

  @Override
  public TransportCapabilities capabilities(Destination destination) {
    return healthy.capabilities(destination);
  }

  @Override
  public void declare(DestinationConfig config) {
    healthy.declare(config);
  }

  @Override
  public int maxMessageBytes() {
    return healthy.maxMessageBytes();
  }

  @Override
  public Duration publishTimeout() {
    return healthy.publishTimeout();
  }

  @Override
  public Publisher publisher() {
    return healthy.publisher();
  }

  @Override
  public Subscriber subscriber() {
    return subscriber;
  }

  @Override
  public DeadLetters deadLetters() {
    return healthy.deadLetters();
  }

  @Override
  public Health health() {
    return healthy.health();
  }

  @Override
  public void close() {
    healthy.close();
  }
}
