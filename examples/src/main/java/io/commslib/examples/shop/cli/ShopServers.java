package io.commslib.examples.shop.cli;

import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.platform.ShopEnvironment;
import java.io.PrintStream;
import java.nio.file.Path;

/** What a run stands on: broker, database and services, started for it or running already. */
final class ShopServers implements AutoCloseable {

  private final Databases databases;
  private final Brokers brokers;
  private final LocalEnvironment environment;

  private ShopServers(
      ShopOptions options, Databases databases, Brokers brokers, CommsRuntime runtime) {
    this.databases = databases;
    this.brokers = brokers;
    this.environment = new LocalEnvironment(databases, brokers, runtime, options.repeat());
  }

  static ShopServers open(ShopOptions options, Path folder, CommsRuntime runtime) {
    return new ShopServers(options, Databases.h2(folder), Brokers.memory(runtime), runtime);
  }

  ShopEnvironment environment() {
    return environment;
  }

  ServiceHost services() {
    return new LocalServices(environment);
  }

  Chaos chaos(PrintStream out) {
    return Chaos.none();
  }

  @Override
  public void close() {
    brokers.close();
    databases.close();
  }
}
