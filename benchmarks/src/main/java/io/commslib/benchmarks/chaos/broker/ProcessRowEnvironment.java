package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import io.commslib.testkit.servers.KafkaServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * A broker of either kind, producers in this process, and members in separate processes over a
 * database.
 */
final class ProcessRowEnvironment implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(180);

  /** A quorum queue that is younger than this may lose confirmed messages. */
  private static final Duration QUEUE_SETTLE_TIME = Duration.ofSeconds(3);

  private final RowSetup setup;
  private final ResultCollector results = new ResultCollector();
  private final Path folder = Files.createTempDirectory("commslib-chaos");
  private final Destination source = Destination.topic("chaos");
  private final Broker broker;
  private final MessageTransport transport;
  private final ProcessMembers members;
  private final HistoryWriter deadLetterHistory;
  private final Set<String> deadLetterIds = new HashSet<>();
  private final List<ChaosLoad> loads = new ArrayList<>();
  private final Random random;

  ProcessRowEnvironment(Broker.Kind kind, RowSetup setup, ChaosOptions options) throws Exception {
    System.setProperty(KafkaServer.LONG_RUN_PROPERTY, "true");
    this.setup = setup;
    this.random = new Random(options.seed());
    setup.saboteur = BrokerSaboteur.of(options);
    setup.database = ChaosDatabase.Kind.of(options.database());
    this.broker = kind.start();
    this.transport = broker.open(2 * 1024 * 1024);
    transport.declare(declaration(source).build());
    this.members = new ProcessMembers(kind, broker.address(), source, folder, setup);
    this.deadLetterHistory =
        HistoryWriter.open(folder.resolve("parked.jsonl"), "chaos", GroupMembers.GROUP);
    for (int i = 0; i < setup.memberCount; i++) {
      members.join();
    }
    LockSupport.parkNanos(QUEUE_SETTLE_TIME.toNanos());
  }

  static DestinationConfig.Builder declaration(Destination topic) {
    return DestinationConfig.builder(topic)
        .partitions(KafkaRowEnvironment.PARTITIONS)
        .group(GroupMembers.GROUP);
  }

  /** Starts the producers. */
  ChaosLoad produce() {
    return produce("p", transport, setup);
  }

  /** Starts further producers, whose names have another prefix. */
  ChaosLoad produce(String prefix, MessageTransport through, RowSetup producers) {
    ChaosLoad load = new ChaosLoad(through.publisher(), source, folder, prefix, producers);
    loads.add(load);
    return load;
  }

  Destination source() {
    return source;
  }

  Broker broker() {
    return broker;
  }

  MessageTransport transport() {
    return transport;
  }

  ProcessMembers members() {
    return members;
  }

  ResultCollector results() {
    return results;
  }

  Path folder() {
    return folder;
  }

  /** Returns a random decision. */
  boolean chance() {
    return random.nextBoolean();
  }

  void pause(int atLeastMillis, int upToMillis) {
    LockSupport.parkNanos(1_000_000L * random.nextInt(atLeastMillis, upToMillis));
  }

  boolean isProducing() {
    return loads.stream().anyMatch(ChaosLoad::isRunning);
  }

  /** Waits for this number of dead letters and records them in the history. */
  void awaitDeadLetters(long expected, String reason) {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (deadLetterIds.size() < expected && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(500_000_000);
      recordDeadLetters(reason);
    }
    results.addViolation(
        "stuck",
        Math.max(0, expected - deadLetterIds.size()),
        deadLetterIds.size() + " of " + expected + " dead letters");
  }

  /** Records new dead letters, read in pages so that large ones need little memory. */
  private void recordDeadLetters(String reason) {
    try (var listing = transport.deadLetters().open(source, GroupMembers.GROUP)) {
      List<DeadLetter> page = listing.next(100);
      while (!page.isEmpty()) {
        for (DeadLetter letter : page) {
          MessageTrace trace = MessageTrace.of(letter.message().orElseThrow());
          if (deadLetterIds.add(trace.id())) {
            deadLetterHistory.record(HistoryOp.PARK, GroupMembers.GROUP, trace, 1);
            results.addViolation(
                "unexpected",
                letter.cause().toString().contains(reason) ? 0 : 1,
                trace.id() + " is dead-lettered: " + letter.cause());
          }
        }
        page = listing.next(100);
      }
    }
  }

  /** Counts the current dead letters, read in pages. */
  long deadLetterCount() {
    long count = 0;
    try (var listing = transport.deadLetters().open(source, GroupMembers.GROUP)) {
      for (int page = listing.next(100).size(); page > 0; page = listing.next(100).size()) {
        count += page;
      }
    }
    return count;
  }

  /** Redrives all dead letters in a separate process with a small heap. */
  ChildJvm redrive(int number, int heapMegabytes, int maxPerSecond) {
    return ChildJvm.start(
        List.of("-Xmx" + heapMegabytes + "m", "-XX:+ExitOnOutOfMemoryError"),
        RedriveProcess.class.getName(),
        List.of(
            broker.kind().name(),
            broker.address(),
            source.toString(),
            Integer.toString(maxPerSecond)),
        folder.resolve("redrive-" + number + ".log"));
  }

  /** Waits for the producers; returns the number of confirmed messages. */
  long confirmed() throws InterruptedException {
    long sum = 0;
    for (ChaosLoad load : loads) {
      load.join();
      sum += load.confirmed();
    }
    return sum;
  }

  /** Waits until every message has had its effect, and returns the result. */
  RowResult result(String name, String counts) throws Exception {
    results.awaitEffects(members, confirmed());
    members.faults().forEach(fault -> results.addViolation("unexpected", 1, fault));
    List<Path> files = new ArrayList<>();
    loads.forEach(load -> files.addAll(load.files()));
    // Before the effects: dead letters have no place in their order.
    files.add(folder.resolve("parked.jsonl"));
    files.add(members.history());
    deadLetterHistory.close();
    return results.result(name + ", " + setup.database.text(), counts, files);
  }

  @Override
  public void close() throws IOException {
    loads.forEach(ChaosLoad::close);
    members.close();
    deadLetterHistory.close();
    transport.close();
    broker.close();
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
