package io.commslib.examples.shop.cli;

import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.cli.ShopOptions.Broker;
import io.commslib.examples.shop.cli.ShopOptions.Database;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import io.commslib.testkit.servers.RabbitServer;
import io.commslib.testkit.servers.TestServer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Broker, database and services of a run, started for it or running already. */
final class ShopServers implements AutoCloseable {

  private final ShopOptions options;
  private final List<AutoCloseable> opened = new ArrayList<>();
  private @Nullable TestServer brokerServer;
  private @Nullable TestServer databaseServer;
  private String brokerAddress = "";
  private String neighbourAddress = "";
  private String databaseUrl = "";
  private String user = "";
  private String password = "";
  private final Path folder;
  private final ShopNetwork network;
  private final LocalEnvironment environment;

  private ShopServers(ShopOptions options, Path folder, CommsRuntime runtime) {
    this.options = options;
    this.folder = folder;
    startServers();
    Databases databases =
        options.database() == Database.H2
            ? Databases.h2(folder)
            : Databases.postgres(databaseUrl, user, password);
    opened.add(databases);
    Brokers brokers = Brokers.at(options.broker(), brokerAddress, runtime, false);
    opened.add(brokers);
    this.network = ShopNetwork.open(options, runtime);
    opened.add(network);
    this.environment =
        new LocalEnvironment(
            databases, brokers, runtime, network.http(), network.queries(), options);
  }

  static ShopServers open(ShopOptions options, Path folder, CommsRuntime runtime) {
    return new ShopServers(options, folder, runtime);
  }

  private void startServers() {
    if (options.database() == Database.POSTGRES) {
      options.jdbc().ifPresentOrElse(url -> databaseUrl = url, this::startPostgres);
    }
    if (options.broker() == Broker.KAFKA) {
      options.kafka().ifPresentOrElse(address -> brokerAddress = address, this::startKafka);
    } else if (options.broker() == Broker.RABBIT) {
      options.rabbit().ifPresentOrElse(uri -> brokerAddress = uri, this::startRabbit);
    }
    if (options.neighbours()) {
      KafkaServer server = KafkaServer.start();
      opened.add(server);
      neighbourAddress = server.bootstrapServers();
    }
  }

  private void startPostgres() {
    PostgresServer server = PostgresServer.start();
    opened.add(server);
    databaseServer = server;
    databaseUrl = server.jdbcUrl();
    user = server.user();
    password = server.password();
  }

  private void startKafka() {
    KafkaServer server = KafkaServer.start();
    opened.add(server);
    brokerServer = server;
    brokerAddress = server.bootstrapServers();
  }

  private void startRabbit() {
    RabbitServer server = RabbitServer.start();
    opened.add(server);
    brokerServer = server;
    brokerAddress = server.uri();
  }

  ShopEnvironment environment() {
    return environment;
  }

  ServiceHost services(PrintStream out) {
    return options.separateProcesses()
        ? new ChildServices(folder, out, this::addresses)
        : new LocalServices(environment);
  }

  /** Returns the programs that run beside the shop, if there are any. */
  Optional<NeighbourPrograms> neighbours(PrintStream out) {
    if (!options.neighbours()) {
      return Optional.empty();
    }
    NeighbourPrograms programs =
        new NeighbourPrograms(environment, folder, neighbourAddress, brokerAddress, out);
    opened.add(programs);
    return Optional.of(programs);
  }

  Chaos chaos() {
    List<Chaos> parts = new ArrayList<>();
    network.faults().ifPresent(parts::add);
    if (options.chaos()) {
      parts.add(new KillingChaos(options, brokerServer, databaseServer));
    }
    return Chaos.all(parts);
  }

  /** Returns the options with which a separate process connects to the same broker and database. */
  private List<String> addresses() {
    String withUser =
        databaseUrl
            + (databaseUrl.contains("?") ? "&" : "?")
            + "user="
            + user
            + "&password="
            + password;
    List<String> addresses =
        List.of(
            "--broker",
            options.broker().name().toLowerCase(Locale.ROOT),
            options.broker() == Broker.KAFKA ? "--kafka" : "--rabbit",
            brokerAddress,
            "--database",
            "postgres",
            "--jdbc",
            options.jdbc().isPresent() ? databaseUrl : withUser,
            "--repeat",
            Integer.toString(options.repeat()));
    return Stream.concat(addresses.stream(), network.options().stream()).toList();
  }

  @Override
  public void close() {
    for (int i = opened.size() - 1; i >= 0; i--) {
      try {
        opened.get(i).close();
      } catch (Exception e) {
        throw new IllegalStateException("can't close " + Optional.of(opened.get(i)), e);
      }
    }
  }
}
