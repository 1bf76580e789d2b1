package io.commslib.benchmarks.chaos.kafka;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.core.messaging.Destination;
import io.commslib.idempotency.InboxSchema;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.HistoryOp;
import io.commslib.testkit.HistoryWriter;
import io.commslib.testkit.MessageTrace;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/** Members in processes of their own, with inbox and effects in a PostgreSQL of their own. */
final class ProcessMembers implements Members {

  private static final String SCHEMA = "chaos_members";
  private static final Duration END_LIMIT = Duration.ofSeconds(40);

  private final String servers;
  private final Destination source;
  private final Path folder;
  private final Setting setting;
  private final PostgresServer server;
  private final HikariDataSource pool;
  private final ChaosTables tables;
  private final Deque<ChildJvm> members = new ArrayDeque<>();
  private final List<String> faults = new ArrayList<>();
  private long received;
  private int born;

  ProcessMembers(String servers, Destination source, Path folder, Setting setting)
      throws SQLException {
    this.servers = servers;
    this.source = source;
    this.folder = folder;
    this.setting = setting;
    this.server = PostgresServer.start();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(server.jdbcUrl());
    config.setUsername(server.user());
    config.setPassword(server.user());
    config.setMaximumPoolSize(4);
    this.pool = new HikariDataSource(config);
    JdbcDatabase database = JdbcDatabase.builder(pool).schema(SCHEMA).build();
    InboxSchema.scripts().apply(database);
    this.tables = new ChaosTables(database);
    tables.create();
  }

  @Override
  public void join() {
    List<String> arguments = new ArrayList<>();
    arguments.add("servers=" + servers);
    arguments.add("source=" + source);
    arguments.add("protocol=" + setting.protocol);
    arguments.add("session=" + KafkaScene.SESSION);
    arguments.add("url=" + server.jdbcUrl());
    arguments.add("user=" + server.user());
    arguments.add("schema=" + SCHEMA);
    arguments.add("bytes=" + setting.heapMegabytes * 1024L * 1024 / 4);
    arguments.add("saboteur=" + setting.saboteur);
    setting.client.forEach((name, value) -> arguments.add("client." + name + "=" + value));
    ChildJvm child =
        ChildJvm.start(
            List.of("-Xmx" + setting.heapMegabytes + "m", "-XX:+ExitOnOutOfMemoryError"),
            ConsumerProcess.class.getName(),
            arguments,
            folder.resolve("member-" + ++born + ".log"));
    members.add(child);
    child.awaitLine(ConsumerProcess.READY);
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
