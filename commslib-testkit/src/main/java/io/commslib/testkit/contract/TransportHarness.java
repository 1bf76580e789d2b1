package io.commslib.testkit.contract;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import java.time.Duration;

/**
 * What {@link MessageTransportContract} must know of one transport to test it. Adapters' tests
 * implement it, one instance and one transport per test; the broker behind it may be shared.
 */
public interface TransportHarness extends AutoCloseable {

  /**
   * Returns the transport under test.
   *
   * @return always the same one
   */
  MessageTransport transport();

  /**
   * Puts a record that is not one of the library's messages on a declared destination, as a foreign
   * program would: key and body, no headers. Returns once the broker has it.
   *
   * @param to a declared destination
   * @param key ordering key
   * @param body any bytes
   * @throws Exception if the broker does not take it
   */
  void publishForeign(Destination to, String key, byte[] body) throws Exception;

  /**
   * Returns the largest message the transport takes.
   *
   * @return bytes, 1 MiB or more; a body of this size is too large, headers included
   */
  int maxMessageBytes();

  /**
   * Ends a subscription as the crash of its process would: without drain.
   *
   * @param subscription made by this transport
   */
  default void crash(Subscription subscription) {
    subscription.close();
  }

  /**
   * Returns how long the contract waits for something that must happen.
   *
   * @return default 30 s
   */
  default Duration limit() {
    return Duration.ofSeconds(30);
  }

  /**
   * Returns how long the contract watches that something does not happen.
   *
   * @return default 200 ms; longer than the broker's usual way from publish to handler
   */
  default Duration quiet() {
    return Duration.ofMillis(200);
  }

  /**
   * Closes the transport and removes what the test has left on the broker, if that is costly.
   * Idempotent.
   */
  @Override
  void close();
}
