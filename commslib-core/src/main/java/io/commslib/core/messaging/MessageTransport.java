package io.commslib.core.messaging;

import io.commslib.core.Health;
import java.time.Duration;

/**
 * The connection to one broker. Applications call it; adapters implement it and pass the testkit's
 * {@code MessageTransportContract}. Thread-safe. It is expensive to make and lives as long as the
 * service.
 *
 * <pre>{@code
 * MessageTransport transport = InMemoryTransport.create();
 * transport.declare(DestinationConfig.builder(ORDERS).build());
 * transport
 *     .subscriber()
 *     .subscribe(
 *         SubscriptionConfig.builder(ORDERS).build(),
 *         delivery -> {
 *           handled.countDown();
 *           return Settlement.done();
 *         });
 * transport.publisher().publish(ORDERS, message).toCompletableFuture().join();
 * }</pre>
 */
public interface MessageTransport extends AutoCloseable {

  /** {@return the name used in error texts, logs and thread names, for example {@code kafka}} */
  String name();

  /**
   * Returns the capabilities of this transport for a destination with the names and objects that it
   * chooses itself. They never change. {@link Capability#KEYED_PUBLISH_FENCE} holds for all
   * destinations or for none.
   *
   * @return the capabilities
   */
  TransportCapabilities capabilities();

  /**
   * Returns the capabilities for one destination. They depend on how the destination is bound to
   * the broker's objects, for example to a queue that an operator declared. Subscriptions are
   * checked against them. Never blocks; they never change.
   *
   * @param destination any destination, declared or not
   * @return the capabilities; {@link #capabilities()} by default
   */
  default TransportCapabilities capabilities(Destination destination) {
    return capabilities();
  }

  /**
   * Returns the size of the largest body that {@link #publisher()} accepts. A relay refuses an
   * outbox whose messages may be larger.
   *
   * @return bytes; {@link Integer#MAX_VALUE}, the default, if the transport has no bound
   */
  default int maxMessageBytes() {
    return Integer.MAX_VALUE;
  }

  /**
   * Returns the time within which a publish returns and its stage completes. An outbox relay whose
   * publish has not returned after twice this time is reported as stalled.
   *
   * @return the time; 30 s by default
   */
  default Duration publishTimeout() {
    return Duration.ofSeconds(30);
  }

  /**
   * Ensures that a destination, the queues of its named groups and their dead letters exist as
   * configured. Blocks for at most the operation timeout. Repeating it with the same configuration
   * has no effect.
   *
   * @param config the required destination
   * @throws SubscribeException if it exists with other properties, does not exist and is
   *     verify-only, or the broker refuses or can't be reached
   * @throws TransportClosedException if the transport is closing or closed
   */
  void declare(DestinationConfig config);

  /** {@return the publisher of this transport, always the same instance} */
  Publisher publisher();

  /** {@return the subscriber of this transport, always the same instance} */
  Subscriber subscriber();

  /** {@return the dead letters of this transport's groups, always the same instance} */
  DeadLetters deadLetters();

  /**
   * Returns the health of the connection. Never blocks.
   *
   * @return down if the broker is known to be unreachable
   */
  Health health();

  /**
   * Closes subscriptions that are still open without draining them, waits for unconfirmed publishes
   * for at most the publish timeout, and frees connections and threads. Drain subscriptions first
   * to avoid redeliveries. Idempotent, never throws.
   */
  @Override
  void close();
}
