package io.commslib.benchmarks.measure;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A broker that accepts every message immediately and only counts; it reads what a client would
 * read.
 */
public final class CountingSink implements MessageTransport {

  private final AtomicLong messages = new AtomicLong();
  private volatile Consumer<Message> listener = message -> {};
  private volatile long bytes;

  public void onMessage(Consumer<Message> newListener) {
    this.listener = newListener;
  }

  public long messages() {
    return messages.get();
  }

  public void count() {
    messages.incrementAndGet();
  }

  /** Waits until this number of messages has arrived since the start. */
  public void await(long target) {
    long end = System.nanoTime() + 300_000_000_000L;
    while (messages.get() < target) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "messages: " + messages.get() + " (expected: " + target + " within 300 s)");
      }
      LockSupport.parkNanos(50_000);
    }
  }

  @Override
  public Publisher publisher() {
    return (to, message) -> {
      listener.accept(message);
      bytes += message.sharedBody().length + message.headers().size();
      messages.incrementAndGet();
      return CompletableFuture.completedFuture(receipt(to, message));
    };
  }

  private static PublishReceipt receipt(Destination to, Message message) {
    return new PublishReceipt(message.id(), to, "");
  }

  public long bytes() {
    return bytes;
  }

  @Override
  public String name() {
    return "sink";
  }

  @Override
  public TransportCapabilities capabilities() {
    return TransportCapabilities.of(io.commslib.core.messaging.Capability.KEYED_PUBLISH_FENCE);
  }

  @Override
  public void declare(DestinationConfig config) {}

  @Override
  public Subscriber subscriber() {
    throw new UnsupportedOperationException("only takes messages");
  }

  @Override
  public DeadLetters deadLetters() {
    throw new UnsupportedOperationException("only takes messages");
  }

  @Override
  public Health health() {
    return Health.of(Health.Status.UP, "", Map.of());
  }

  @Override
  public void close() {}
}
