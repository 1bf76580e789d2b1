package io.commslib.examples.shop.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The options of {@code examples/run shop}. Immutable. */
public final class ShopOptions {

  /** Which broker. */
  public enum Broker {
    MEMORY,
    KAFKA,
    RABBIT
  }

  /** Which database. */
  public enum Database {
    H2,
    POSTGRES
  }

  static final List<String> SERVICES = List.of("order", "payment", "inventory", "shipping");

  static final String HELP =
      """
      usage: examples/run shop [options]

      Four services (order, payment, inventory, shipping) that talk only through commslib: outbox, inbox, saga.
      Feeds orders, waits until all is quiet, compares money and stock with the file, and ends with one line of JSON.

        --orders FILE.csv    invoices to feed (default: the bundled sample); columns InvoiceNo,StockCode,Description,
                             Quantity,InvoiceDate,UnitPrice,CustomerID,Country
        --repeat N           feeds the file N times, with distinct ids (1..1000, default 1)
        --speed N            at most N invoices per second (1..100000, default: no limit)
        --broker NAME        memory (default), kafka or rabbit
        --database NAME      h2 (default) or postgres
        --kafka HOST:PORT    a running Kafka, instead of one started for this run
        --rabbit URI         a running RabbitMQ (amqp://user:password@host:port)
        --jdbc URL           a running PostgreSQL (jdbc:postgresql://...?user=...&password=...), with an empty database
        --processes          each service in a process of its own (needs kafka or rabbit, and postgres)
        --chaos              kills and restarts broker, database and services while orders flow
        --seed N             seed of the chaos (default: drawn and printed)
        --service NAME       runs one service only, until it is terminated (needs the addresses)
        --with-input         with --service: ends also when its input ends, as when the process that started it dies
        --help               this text

      Exit code: 0 all is right, 1 something differs (the last lines say what), 2 the run could not begin.
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
  private @Nullable Long seed;
  private @Nullable String service;
  private boolean withInput;
  private boolean help;

  private ShopOptions() {}

  /** Reads the command line; throws {@link UsageException} naming the option and the rule. */
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
      case "--repeat" -> repeat = number(name, value, 1, 1_000);
      case "--speed" -> speed = number(name, value, 1, 100_000);
      case "--seed" -> seed = (long) number(name, value, 0, Integer.MAX_VALUE);
      default -> service = oneOf(name, value, SERVICES);
    }
  }

  private void check() {
    require(kafka == null || broker == Broker.KAFKA, "--kafka goes with --broker kafka");
    require(rabbit == null || broker == Broker.RABBIT, "--rabbit goes with --broker rabbit");
    require(jdbc == null || database == Database.POSTGRES, "--jdbc goes with --database postgres");
    require(seed == null || chaos, "--seed goes with --chaos");
    require(!withInput || service != null, "--with-input goes with --service");
    if (processes || (chaos && broker != Broker.MEMORY)) {
      require(
          broker != Broker.MEMORY,
          "--processes needs --broker kafka or rabbit: memory lives in one process");
      require(
          database == Database.POSTGRES,
          "services in processes of their own need --database postgres");
    }
    if (chaos) {
      require(
          kafka == null && rabbit == null && jdbc == null,
          "--chaos kills the servers, so it only uses its own: leave out --kafka, --rabbit and --jdbc");
      require(
          broker != Broker.MEMORY || database == Database.H2,
          "--chaos with --broker memory uses --database h2");
    }
    if (service != null) {
      require(
          broker != Broker.MEMORY,
          "--service needs --broker kafka or rabbit: memory lives in one process");
      require(
          !chaos && !processes, "--service runs one service; leave out --chaos and --processes");
      require(jdbc != null, "--service needs --database postgres --jdbc URL");
      require(
          broker == Broker.KAFKA ? kafka != null : rabbit != null,
          "--service needs the broker's address: --kafka HOST:PORT or --rabbit URI");
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

  public int repeat() {
    return repeat;
  }

  /** Invoices per second, 0 for no limit. */
  public int speed() {
    return speed;
  }

  /** Whether services run in processes of their own; with chaos on a real broker they always do. */
  public boolean separateProcesses() {
    return processes || (chaos && broker != Broker.MEMORY);
  }

  public boolean chaos() {
    return chaos;
  }

  public Optional<Long> seed() {
    return Optional.ofNullable(seed);
  }

  public Optional<String> service() {
    return Optional.ofNullable(service);
  }

  /** Whether a service process ends with its input. */
  public boolean withInput() {
    return withInput;
  }

  public boolean help() {
    return help;
  }
}
