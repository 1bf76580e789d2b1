package io.commslib.examples.shop.cli;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.jdbc.JdbcDatabase;

/** The environment for services in this process. */
record LocalEnvironment(
    Databases databases, Brokers brokers, CommsRuntime runtime, int repeat, boolean neighbours)
    implements ShopEnvironment {

  @Override
  public MessageTransport transport(String service) {
    return brokers.open(service);
  }

  @Override
  public JdbcDatabase database(String service) {
    return databases.of(service);
  }
}
