package io.commslib.testkit.contract;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import java.time.Duration;

/**
 * The transport under test and the means to test it. Tests of adapters implement it, with one
 * instance and one transport per test; tests may share the broker.
 */
public interface TransportHarness extends AutoCloseable {

  /**
   * Returns the transport under test.
   *
   * @return always the same one
   */
  MessageTransport transport();

  /**
   * Publishes a record that is not a message of the library to a declared destination, as a foreign
   * program would: key and body, no headers. Returns once the broker has it.
   *
   * @param to a declared destination
   * @param key ordering key
   * @param body any bytes
   * @throws Exception if the broker does not take it
   */
  void publishForeign(Destination to, String key, byte[] body) throws Exception;

  /**
   * Returns the largest size of a message that the transport accepts.
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
   * Returns the limit within which an expected event must happen.
   *
   * @return default 30 s
   */
  default Duration limit() {
    return Duration.ofSeconds(30);
  }

  /**
   * Returns the time for which the contract checks that an event does not happen.
   *
   * @return default 200 ms; longer than the broker's usual way from publish to handler
   */
  default Duration quiet() {
    return Duration.ofMillis(200);
  }

  /**
   * Closes the transport, and removes what the test left on the broker where that would slow later
   * tests. Idempotent.
   */
  @Override
  void close();
}
