package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;

/**
 * Where a service runs: which broker, which database, which clock. The same services run in one
 * process or in many.
 */
public interface ShopEnvironment {

  /** Opens the service's connection to the broker; its lifecycle closes it. */
  MessageTransport transport(String service);

  /** The service's own schema. */
  JdbcDatabase database(String service);

  /** Time, randomness and threads. */
  CommsRuntime runtime();

  /** How often the bundled stock is multiplied, as the file is. */
  int repeat();
}
