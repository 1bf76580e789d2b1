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

/** Members in processes of their own, with inbox and effects in a database of their own. */
final class ProcessMembers implements Members {

  private static final String SCHEMA = "chaos_members";
  private static final Duration END_LIMIT = Duration.ofSeconds(40);

  private final Broker.Kind broker;
  private final String servers;
  private final Destination source;
  private final Path folder;
  private final RowSetup setting;
  private final ChaosDatabase server;
  private final HikariDataSource pool;
  private final JdbcDatabase database;
  private final ChaosTables tables;
  private final Deque<ChildJvm> members = new ArrayDeque<>();
  private final List<String> faults = new ArrayList<>();
  private long received;
  private int born;

  ProcessMembers(
      Broker.Kind broker, String servers, Destination source, Path folder, RowSetup setting)
      throws IOException, SQLException {
    this.broker = broker;
    this.servers = servers;
    this.source = source;
    this.folder = folder;
    this.setting = setting;
    this.server = setting.database.start(Map.of());
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

  /** Starts a process that is no member yet, with some of its arguments changed. */
  ChildJvm start(Map<String, String> changes) {
    Map<String, String> arguments = new TreeMap<>();
    arguments.put("broker", broker.name());
    arguments.put("servers", servers);
    arguments.put("source", source.toString());
    arguments.put("protocol", setting.protocol.name());
    arguments.put("session", KafkaRowEnvironment.SESSION.toString());
    arguments.put("url", server.url());
    arguments.put("user", server.user());
    arguments.put("schema", SCHEMA);
    arguments.put("bytes", Long.toString(setting.heapMegabytes * 1024L * 1024 / 4));
    arguments.put("maxInFlight", Integer.toString(setting.maxInFlight));
    arguments.put("maxMessageBytes", Integer.toString(setting.maxMessageBytes));
    arguments.put("saboteur", setting.saboteur.name());
    arguments.put("errors", Boolean.toString(setting.errors));
    arguments.put("failing", Boolean.toString(setting.failing));
    setting.client.forEach((name, value) -> arguments.put("client." + name, value));
    arguments.putAll(changes);
    return ChildJvm.start(
        List.of("-Xmx" + setting.heapMegabytes + "m", "-XX:+ExitOnOutOfMemoryError"),
        ConsumerProcess.class.getName(),
        arguments.entrySet().stream().map(Object::toString).toList(),
        folder.resolve("member-" + ++born + ".log"));
  }

  /** The tables of inbox and effects. */
  JdbcDatabase database() {
    return database;
  }

  ChaosTables tables() {
    return tables;
  }

  /** How many lines with this beginning all members have printed so far, dead ones included. */
  long printed(String beginning) throws IOException {
    long count = 0;
    for (int number = 1; number <= born; number++) {
      try (Stream<String> lines = Files.lines(folder.resolve("member-" + number + ".log"))) {
        count += lines.filter(line -> line.startsWith(beginning)).count();
      }
    }
    return count;
  }

  /** SIGTERM; it has to end with status 0. */
  @Override
  public void leave() {
    ChildJvm child = members.remove();
    child.terminate();
    int status = child.awaitExit(END_LIMIT);
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

  /** SIGKILL to the member that has been there longest. */
  void kill() {
    members.remove().kill();
  }

  /** One of them, which stays a member. */
  ChildJvm any(Random random) {
    return List.copyOf(members).get(random.nextInt(members.size()));
  }

  /** Waits until this one has ended and takes it out. */
  int awaitEnd(ChildJvm child) {
    int status = child.awaitExit(END_LIMIT);
    members.remove(child);
    return status;
  }

  /** Those that have ended by themselves. */
  List<ChildJvm> dead() {
    return members.stream().filter(child -> !child.isAlive()).toList();
  }

  /** What members that ended in order have received. */
  long received() {
    return received;
  }

  /** What was wrong with members. */
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
  public long effected() {
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
