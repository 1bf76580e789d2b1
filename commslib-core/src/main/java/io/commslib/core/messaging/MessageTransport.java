package io.commslib.core.messaging;

import io.commslib.core.Health;
import java.time.Duration;

/**
 * One broker, as the library sees it. Applications call it; adapters implement it and pass the
 * testkit's {@code MessageTransportContract}. Thread-safe; expensive to make, meant to live as long
 * as the service.
 */
public interface MessageTransport extends AutoCloseable {

  /**
   * Returns the name used in messages, logs and thread names.
   *
   * @return for example {@code kafka}
   */
  String name();

  /**
   * Returns what this transport can do.
   *
   * @return never changes
   */
  TransportCapabilities capabilities();

  /**
   * Returns the largest body that {@link #publisher()} takes. An outbox whose messages may be
   * larger is refused by its relay.
   *
   * @return bytes; {@link Integer#MAX_VALUE}, the default, if the transport knows no bound
   */
  default int maxMessageBytes() {
    return Integer.MAX_VALUE;
  }

  /**
   * Returns the time within which a publish returns and its stage completes. An outbox relay whose
   * publish has not returned after twice this time counts as hanging.
   *
   * @return the time; 30 s by default
   */
  default Duration publishTimeout() {
    return Duration.ofSeconds(30);
  }

  /**
   * Makes sure that a destination, the queues of its named groups and their dead letters exist as
   * configured. Blocks for at most the operation timeout. Repeating it with the same configuration
   * has no effect.
   *
   * @param config what must exist
   * @throws SubscribeException if it exists with other properties, does not exist and is
   *     verify-only, or the broker refuses or can't be reached
   * @throws TransportClosedException if the transport is closing or closed
   */
  void declare(DestinationConfig config);

  /**
   * Returns the publisher of this transport.
   *
   * @return always the same one
   */
  Publisher publisher();

  /**
   * Returns the subscriber of this transport.
   *
   * @return always the same one
   */
  Subscriber subscriber();

  /**
   * Returns the dead letters of this transport's groups.
   *
   * @return always the same one
   */
  DeadLetters deadLetters();

  /**
   * Returns the health of the connection. Never blocks.
   *
   * @return down when the broker is known to be out of reach
   */
  Health health();

  /**
   * Closes subscriptions that are still open without draining them, waits for unconfirmed publishes
   * at most the publish timeout, and frees connections and threads. Idempotent, never throws. Drain
   * subscriptions first to avoid redeliveries.
   */
  @Override
  void close();
}
