package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Optional;

/**
 * The environment of a service: broker, database and runtime. The same services run in one process
 * or in many.
 */
public interface ShopEnvironment {

  /** Opens the service's connection to the broker; the service's lifecycle closes it. */
  MessageTransport transport(String service);

  /** {@return the database with the service's own schema} */
  JdbcDatabase database(String service);

  /** {@return the runtime: time, randomness and threads} */
  CommsRuntime runtime();

  /** {@return the number of times the file is fed; the initial stock is multiplied by it} */
  int repeat();

  /** {@return HTTP between the services, or empty if orders arrive as messages} */
  default Optional<ShopHttp> http() {
    return Optional.empty();
  }

  /** {@return queries over gRPC between the services, or empty if there are none} */
  default Optional<ShopQueries> queries() {
    return Optional.empty();
  }

  /** {@return whether parcels also go to the Python service beside the shop} */
  default boolean neighbours() {
    return false;
  }
}
