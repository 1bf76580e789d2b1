package io.commslib.examples.shop.cli;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.jdbc.JdbcDatabase;
import java.util.Optional;

/** The environment for services in this process. */
record LocalEnvironment(
    Databases databases,
    Brokers brokers,
    CommsRuntime runtime,
    Optional<ShopHttp> http,
    Optional<ShopQueries> queries,
    ShopOptions options)
    implements ShopEnvironment {

  @Override
  public int repeat() {
    return options.repeat();
  }

  @Override
  public boolean neighbours() {
    return options.neighbours();
  }

  @Override
  public MessageTransport transport(String service) {
    return brokers.open(service);
  }

  @Override
  public JdbcDatabase database(String service) {
    return databases.of(service);
  }
}
