package io.commslib.benchmarks.chaos.broker;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.core.messaging.Destination;
import io.commslib.idempotency.InboxSchema;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Members in separate processes, with inbox and effects in a database. */
final class ProcessMembers implements GroupMembers {

  private static final String SCHEMA = "chaos_members";
  private static final Duration EXIT_LIMIT = Duration.ofSeconds(40);

  private final Broker.Kind broker;
  private final String servers;
  private final Destination source;
  private final Path folder;
  private final RowSetup setup;
  private final ChaosDatabase server;
  private final HikariDataSource pool;
  private final JdbcDatabase database;
  private final ChaosTables tables;
  private final Deque<ChildJvm> members = new ArrayDeque<>();
  private final List<String> faults = new ArrayList<>();
  private long received;
  private int started;

  ProcessMembers(
      Broker.Kind broker, String servers, Destination source, Path folder, RowSetup setup)
      throws IOException, SQLException {
    this.broker = broker;
    this.servers = servers;
    this.source = source;
    this.folder = folder;
    this.setup = setup;
    this.server = setup.database.start(Map.of());
    this.pool = server.pool(4);
    this.database = JdbcDatabase.builder(pool).schema(SCHEMA).build();
    InboxSchema.scripts().apply(database);
    this.tables = new ChaosTables(database);
    tables.create();
  }

  @Override
  public void join() {
    ChildJvm child = start(Map.of());
    members.add(child);
    child.awaitLine(ConsumerProcess.READY);
  }

  /** Starts a process with some arguments changed; it does not count as a member. */
  ChildJvm start(Map<String, String> changes) {
    Map<String, String> arguments = new TreeMap<>();
    arguments.put("broker", broker.name());
    arguments.put("servers", servers);
    arguments.put("source", source.toString());
    arguments.put("protocol", setup.protocol.name());
    arguments.put("session", KafkaRowEnvironment.SESSION.toString());
    arguments.put("url", server.url());
    arguments.put("user", server.user());
    arguments.put("schema", SCHEMA);
    arguments.put("bytes", Long.toString(setup.heapMegabytes * 1024L * 1024 / 4));
    arguments.put("maxInFlight", Integer.toString(setup.maxInFlight));
    arguments.put("maxMessageBytes", Integer.toString(setup.maxMessageBytes));
    arguments.put("saboteur", setup.saboteur.name());
    arguments.put("errors", Boolean.toString(setup.plantErrors));
    arguments.put("failing", Boolean.toString(setup.failUntilRedriven));
    setup.clientSettings.forEach((name, value) -> arguments.put("client." + name, value));
    arguments.putAll(changes);
    return ChildJvm.start(
        List.of("-Xmx" + setup.heapMegabytes + "m", "-XX:+ExitOnOutOfMemoryError"),
        ConsumerProcess.class.getName(),
        arguments.entrySet().stream().map(Object::toString).toList(),
        folder.resolve("member-" + ++started + ".log"));
  }

  /** {@return the database of inbox and effects} */
  JdbcDatabase database() {
    return database;
  }

  ChaosTables tables() {
    return tables;
  }

  /**
   * Counts the lines with this prefix that all members have printed so far, ended ones included.
   */
  long countPrinted(String prefix) throws IOException {
    long count = 0;
    for (int number = 1; number <= started; number++) {
      try (Stream<String> lines = Files.lines(folder.resolve("member-" + number + ".log"))) {
        count += lines.filter(line -> line.startsWith(prefix)).count();
      }
    }
    return count;
  }

  /** Sends SIGTERM to the oldest member, which must end with status 0. */
  @Override
  public void leave() {
    ChildJvm child = members.remove();
    child.terminate();
    int status = child.awaitExit(EXIT_LIMIT);
    if (status != 0) {
      faults.add("a member ended with " + status + " at SIGTERM: " + tail(child));
    } else {
      received += receivedOf(child);
    }
  }

  private static long receivedOf(ChildJvm child) {
    return child
        .output()
        .lines()
        .filter(line -> line.startsWith(ConsumerProcess.RECEIVED))
        .mapToLong(line -> Long.parseLong(line.substring(ConsumerProcess.RECEIVED.length())))
        .sum();
  }

  private static String tail(ChildJvm child) {
    String output = child.output();
    return output.substring(Math.max(0, output.length() - 500));
  }

  /** Sends SIGKILL to the oldest member. */
  void kill() {
    members.remove().kill();
  }

  /** Returns a random member, which stays in the group. */
  ChildJvm randomMember(Random random) {
    return List.copyOf(members).get(random.nextInt(members.size()));
  }

  /** Waits until a member has ended and removes it; returns its exit status. */
  int awaitExit(ChildJvm child) {
    int status = child.awaitExit(EXIT_LIMIT);
    members.remove(child);
    return status;
  }

  /** {@return the members that have ended by themselves} */
  List<ChildJvm> exited() {
    return members.stream().filter(child -> !child.isAlive()).toList();
  }

  /** {@return the number of messages received by members that ended in order} */
  long received() {
    return received;
  }

  /** {@return descriptions of members that ended wrongly} */
  List<String> faults() {
    List<String> all = new ArrayList<>(faults);
    members.stream()
        .filter(child -> !child.isAlive())
        .forEach(child -> all.add("a member ended by itself: " + tail(child)));
    return all;
  }

  @Override
  public int size() {
    return members.size();
  }

  @Override
  public long effectCount() {
    try {
      return tables.effectCount();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Path history() throws IOException, SQLException {
    Path file = folder.resolve("effects.jsonl");
    try (HistoryWriter history = HistoryWriter.open(file, "chaos", GROUP)) {
      for (MessageTrace effect : tables.effects()) {
        history.record(HistoryOp.DELIVER, GROUP, effect, 1);
        history.record(HistoryOp.EFFECT, GROUP, effect, 1);
      }
    }
    return file;
  }

  @Override
  public void close() {
    members.forEach(ChildJvm::kill);
    pool.close();
    server.close();
  }
}
