package io.commslib.examples.shop.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The options of {@code examples/run shop}. Immutable. */
public final class ShopOptions {

  /** The supported brokers. */
  public enum Broker {
    MEMORY,
    KAFKA,
    RABBIT
  }

  /** The supported databases. */
  public enum Database {
    H2,
    POSTGRES
  }

  /** The ways in which the storefront hands invoices to the shop. */
  public enum Intake {
    MESSAGES,
    HTTP
  }

  /** The ways in which a summary asks for price and stock. */
  public enum Queries {
    NONE,
    GRPC
  }

  static final List<String> SERVICES = List.of("order", "payment", "inventory", "shipping");

  static final String HELP =
      """
      usage: examples/run shop [options]

      Four services (order, payment, inventory, shipping) that communicate only through commslib: outbox, inbox, saga.
      Feeds orders, waits until all are processed, compares money and stock with the file, and ends with one line of JSON.

        --orders FILE.csv    invoices to feed (default: the bundled sample); columns InvoiceNo,StockCode,Description,
                             Quantity,InvoiceDate,UnitPrice,CustomerID,Country
        --repeat N           feeds the file N times, with distinct ids (1..1000, default 1)
        --intake NAME        messages (default) or http: the storefront posts orders and returns to the order service, and the
                             summary of an order is composed of three services
        --faults SEED        with --intake http: resets, stalls, half-closes and lost answers between the storefront and the
                             order service
        --ports A,B,C        with --intake http: ports of order, payment and shipping (default: free ones)
        --queries NAME       none (default) or grpc: during the run, summaries of orders ask payment for the price and inventory
                             for the stock over gRPC, and the stock is watched; both are compared with the databases at the end
        --query-ports A,B,C  with --queries grpc: ports of order, payment and inventory (default: free ones)
        --speed N            at most N invoices per second (1..100000, default: no limit)
        --broker NAME        memory (default), kafka or rabbit
        --database NAME      h2 (default) or postgres
        --kafka HOST:PORT    a running Kafka, instead of one started for this run
        --rabbit URI         a running RabbitMQ (amqp://user:password@host:port)
        --jdbc URL           a running PostgreSQL (jdbc:postgresql://...?user=...&password=...), with an empty database
        --processes          runs each service in a separate process (requires kafka or rabbit, and postgres)
        --chaos              kills and restarts broker, database and services during the run
        --neighbours         orders come from a Node service over Kafka, returns from another over RabbitMQ, and parcels
                             go to a Python service; starts Kafka and RabbitMQ (requires bin/setup neighbours)
        --seed N             seed of the chaos (default: random, printed)
        --service NAME       runs one service only, until it is terminated (requires the addresses)
        --with-input         with --service: ends also when its input is closed, for example when its parent process dies
        --help               prints this text

      Exit code: 0 all checks passed, 1 a check failed (see the last lines), 2 the run could not start.
      """;

  private @Nullable Path orders;
  private Broker broker = Broker.MEMORY;
  private Database database = Database.H2;
  private @Nullable String kafka;
  private @Nullable String rabbit;
  private @Nullable String jdbc;
  private int repeat = 1;
  private int speed;
  private boolean processes;
  private boolean chaos;
  private boolean neighbours;
  private Intake intake = Intake.MESSAGES;
  private Queries queries = Queries.NONE;
  private List<Integer> queryPorts = List.of();
  private @Nullable Long faults;
  private List<Integer> ports = List.of();
  private @Nullable Long seed;
  private @Nullable String service;
  private boolean withInput;
  private boolean help;

  private ShopOptions() {}

  /** Parses the command line; throws {@link UsageException} with the option and the rule. */
  public static ShopOptions parse(String... arguments) {
    ShopOptions options = new ShopOptions();
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      if (Set.of("--help", "-h").contains(name)) {
        options.help = true;
      } else if (name.equals("--processes")) {
        options.processes = true;
      } else if (name.equals("--with-input")) {
        options.withInput = true;
      } else if (name.equals("--chaos")) {
        options.chaos = true;
      } else if (name.equals("--neighbours")) {
        options.neighbours = true;
      } else if (!VALUED.contains(name)) {
        throw new UsageException("unknown option: " + name + " (see examples/run shop --help)");
      } else if (++i == arguments.length) {
        throw new UsageException(name + ": no value given (see examples/run shop --help)");
      } else {
        options.set(name, arguments[i]);
      }
    }
    if (!options.help) {
      options.check();
    }
    return options;
  }

  private static final Set<String> VALUED =
      Set.of(
          "--orders",
          "--broker",
          "--database",
          "--kafka",
          "--rabbit",
          "--jdbc",
          "--intake",
          "--faults",
          "--ports",
          "--queries",
          "--query-ports",
          "--repeat",
          "--speed",
          "--seed",
          "--service");

  private void set(String name, String value) {
    switch (name) {
      case "--orders" -> orders = Path.of(value);
      case "--broker" -> broker = choice(name, value, Broker.values());
      case "--database" -> database = choice(name, value, Database.values());
      case "--kafka" -> kafka = matching(name, value, "[^:\\s]+:[0-9]{1,5}", "HOST:PORT");
      case "--rabbit" ->
          rabbit = matching(name, value, "amqps?://.+", "amqp://user:password@host:port");
      case "--jdbc" ->
          jdbc =
              matching(
                  name,
                  value,
                  "jdbc:postgresql:.+",
                  "jdbc:postgresql://host:port/database?user=...");
      case "--intake" -> intake = choice(name, value, Intake.values());
      case "--faults" -> faults = (long) number(name, value, 0, Integer.MAX_VALUE);
      case "--ports" -> ports = ports(name, value, "order,payment,shipping");
      case "--queries" -> queries = choice(name, value, Queries.values());
      case "--query-ports" -> queryPorts = ports(name, value, "order,payment,inventory");
      case "--repeat" -> repeat = number(name, value, 1, 1_000);
      case "--speed" -> speed = number(name, value, 1, 100_000);
      case "--seed" -> seed = (long) number(name, value, 0, Integer.MAX_VALUE);
      default -> service = oneOf(name, value, SERVICES);
    }
  }

  private void check() {
    if (neighbours) {
      require(
          broker == Broker.MEMORY,
          "--neighbours starts its own Kafka and RabbitMQ: omit --broker, --kafka and --rabbit");
      require(
          repeat == 1 && speed == 0 && !chaos && !processes && service == null,
          "--neighbours feeds the file once: omit --repeat, --speed, --chaos, --processes and"
              + " --service");
      require(intake == Intake.MESSAGES, "--neighbours has its own intake: omit --intake");
      broker = Broker.RABBIT;
      require(rabbit == null, "--neighbours starts its own RabbitMQ: omit --rabbit");
    }
    require(faults == null || intake == Intake.HTTP, "--faults requires --intake http");
    require(ports.isEmpty() || intake == Intake.HTTP, "--ports requires --intake http");
    require(
        queryPorts.isEmpty() || queries == Queries.GRPC, "--query-ports requires --queries grpc");
    require(kafka == null || broker == Broker.KAFKA, "--kafka requires --broker kafka");
    require(rabbit == null || broker == Broker.RABBIT, "--rabbit requires --broker rabbit");
    require(jdbc == null || database == Database.POSTGRES, "--jdbc requires --database postgres");
    require(seed == null || chaos, "--seed requires --chaos");
    require(!withInput || service != null, "--with-input requires --service");
    if (processes || (chaos && broker != Broker.MEMORY)) {
      require(
          broker != Broker.MEMORY,
          "--processes requires --broker kafka or rabbit: memory works in one process only");
      require(
          database == Database.POSTGRES, "separate service processes require --database postgres");
    }
    if (chaos) {
      require(
          kafka == null && rabbit == null && jdbc == null,
          "--chaos kills the servers, so it starts its own: omit --kafka, --rabbit and --jdbc");
      require(
          broker != Broker.MEMORY || database == Database.H2,
          "--chaos with --broker memory requires --database h2");
    }
    if (service != null) {
      require(
          broker != Broker.MEMORY,
          "--service requires --broker kafka or rabbit: memory works in one process only");
      require(!chaos && !processes, "--service runs one service: omit --chaos and --processes");
      require(faults == null, "--service runs one service: omit --faults");
      require(
          ports.size() == (intake == Intake.HTTP ? 3 : 0),
          "--service with --intake http requires --ports");
      require(
          queryPorts.size() == (queries == Queries.GRPC ? 3 : 0),
          "--service with --queries grpc requires --query-ports");
      require(jdbc != null, "--service requires --database postgres --jdbc URL");
      require(
          broker == Broker.KAFKA ? kafka != null : rabbit != null,
          "--service requires the broker's address: --kafka HOST:PORT or --rabbit URI");
    }
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new UsageException(message);
    }
  }

  private static <E extends Enum<E>> E choice(String name, String value, E[] values) {
    for (E candidate : values) {
      if (candidate.name().toLowerCase(Locale.ROOT).equals(value)) {
        return candidate;
      }
    }
    String all = java.util.Arrays.toString(values).toLowerCase(Locale.ROOT);
    throw new UsageException(name + ": " + value + " (expected: one of " + all + ")");
  }

  private static List<Integer> ports(String name, String value, String services) {
    matching(name, value, "[0-9]+,[0-9]+,[0-9]+", "three ports: " + services);
    return Stream.of(value.split(",")).map(port -> number(name, port, 1, 65_535)).toList();
  }

  private static String oneOf(String name, String value, List<String> values) {
    require(values.contains(value), name + ": " + value + " (expected: one of " + values + ")");
    return value;
  }

  private static String matching(String name, String value, String pattern, String rule) {
    require(value.matches(pattern), name + ": " + value + " (expected: " + rule + ")");
    return value;
  }

  private static int number(String name, String value, int min, int max) {
    String rule = " (expected: " + min + ".." + max + ")";
    try {
      int number = Integer.parseInt(value);
      require(number >= min && number <= max, name + ": " + value + rule);
      return number;
    } catch (NumberFormatException e) {
      throw new UsageException(name + ": " + value + rule);
    }
  }

  public Optional<Path> orders() {
    return Optional.ofNullable(orders);
  }

  public Broker broker() {
    return broker;
  }

  public Database database() {
    return database;
  }

  public Optional<String> kafka() {
    return Optional.ofNullable(kafka);
  }

  public Optional<String> rabbit() {
    return Optional.ofNullable(rabbit);
  }

  public Optional<String> jdbc() {
    return Optional.ofNullable(jdbc);
  }

  public Intake intake() {
    return intake;
  }

  /** {@return the seed of the faults between storefront and order service} */
  public Optional<Long> faults() {
    return Optional.ofNullable(faults);
  }

  /** {@return the ports of the services that answer HTTP, or none to find free ones} */
  public List<Integer> ports() {
    return ports;
  }

  public Queries queries() {
    return queries;
  }

  /** {@return the ports of the services that answer over gRPC, or none to find free ones} */
  public List<Integer> queryPorts() {
    return queryPorts;
  }

  public int repeat() {
    return repeat;
  }

  /** {@return the maximum number of invoices per second, 0 for no limit} */
  public int speed() {
    return speed;
  }

  /**
   * {@return whether services run in separate processes, as they always do with chaos on a real
   * broker}
   */
  public boolean separateProcesses() {
    return processes || (chaos && broker != Broker.MEMORY);
  }

  public boolean chaos() {
    return chaos;
  }

  /** {@return whether orders, returns and parcels pass through programs in other languages} */
  public boolean neighbours() {
    return neighbours;
  }

  public Optional<Long> seed() {
    return Optional.ofNullable(seed);
  }

  public Optional<String> service() {
    return Optional.ofNullable(service);
  }

  /** {@return whether a service process ends when its input is closed} */
  public boolean withInput() {
    return withInput;
  }

  public boolean help() {
    return help;
  }
}
