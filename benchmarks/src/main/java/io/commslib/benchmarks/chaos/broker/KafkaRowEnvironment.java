package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Publisher;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.KafkaCluster;
import io.commslib.testkit.servers.KafkaServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Brokers, members and producers of one row, and its result. */
final class KafkaRowEnvironment implements AutoCloseable {

  static final int PARTITIONS = 8;

  /** The shortest session timeout that brokers allow by default. */
  static final Duration SESSION = Duration.ofSeconds(6);

  private final RowSetup setup;
  private final ResultCollector results = new ResultCollector();
  private final Path folder = Files.createTempDirectory("commslib-chaos");
  private final Destination source = Destination.topic("chaos");
  private final List<KafkaServer> brokers;
  private final @Nullable TcpFaultProxy proxy;
  private final KafkaTransport transport;
  private final GroupMembers members;
  private final PoisonRecords poison;
  private final Random random;
  private @Nullable ChaosLoad load;
  private long expectedDeadLetters;

  KafkaRowEnvironment(RowSetup setup, ChaosOptions options) throws Exception {
    System.setProperty(KafkaServer.LONG_RUN_PROPERTY, "true");
    this.setup = setup;
    this.random = new Random(options.seed());
    setup.saboteur = BrokerSaboteur.of(options);
    setup.database = ChaosDatabase.Kind.of(options.database());
    if (setup.behindProxy) {
      int directPort = freePort();
      this.proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", directPort));
      this.brokers =
          List.of(KafkaServer.startBehind(directPort, proxy.port(), setup.brokerSettings));
    } else {
      this.proxy = null;
      this.brokers = KafkaCluster.start(setup.brokerCount, setup.brokerSettings).brokers();
    }
    String direct =
        brokers.stream().map(KafkaServer::bootstrapServers).collect(Collectors.joining(","));
    String servers = proxy == null ? direct : "127.0.0.1:" + proxy.port();
    this.transport =
        KafkaTransport.create(
            KafkaTransportConfig.builder(servers)
                .maxMessageBytes(2 * 1024 * 1024)
                .publishTimeout(setup.publishTimeout)
                .build());
    transport.declare(DestinationConfig.builder(source).partitions(PARTITIONS).build());
    this.members =
        setup.membersAsProcesses
            ? new ProcessMembers(Broker.Kind.KAFKA, servers, source, folder, setup)
            : new JvmMembers(servers, source, folder, setup);
    this.poison = new PoisonRecords(direct, source, transport.deadLetters());
    for (int i = 0; i < setup.memberCount; i++) {
      members.join();
    }
  }

  /** Starts the producers. */
  ChaosLoad produce() {
    return produce(transport.publisher());
  }

  ChaosLoad produce(Publisher through) {
    load = new ChaosLoad(through, source, folder, setup);
    return load;
  }

  Destination source() {
    return source;
  }

  List<KafkaServer> brokers() {
    return brokers;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  KafkaTransport transport() {
    return transport;
  }

  TcpFaultProxy proxy() {
    return Objects.requireNonNull(proxy, "proxy");
  }

  GroupMembers members() {
    return members;
  }

  JvmMembers jvmMembers() {
    return (JvmMembers) members;
  }

  ProcessMembers processMembers() {
    return (ProcessMembers) members;
  }

  PoisonRecords poison() {
    return poison;
  }

  Random random() {
    return random;
  }

  Path folder() {
    return folder;
  }

  void pause(int atLeastMillis, int upToMillis) {
    LockSupport.parkNanos(1_000_000L * random.nextInt(atLeastMillis, upToMillis));
  }

  /** Adds violations to a counter, with a description. */
  void addViolation(String count, long amount, String finding) {
    results.addViolation(count, amount, finding);
  }

  /**
   * Waits until this number of messages has had an effect. Messages without effect later count as
   * lost.
   */
  void awaitEffects(long count) {
    results.awaitEffects(members, count);
  }

  /** Waits for producers and effects, and returns the result. */
  RowResult result(String name, String counts) throws Exception {
    ChaosLoad producers = Objects.requireNonNull(load, "load");
    producers.join();
    awaitEffects(producers.confirmed() - expectedDeadLetters);
    long missingJunk = poison.awaitDeadLetters(ResultCollector.QUIET_LIMIT);
    addViolation("lost", missingJunk, missingJunk + " unreadable records are in no dead letter");
    addViolation(
        "unexpected", -missingJunk, -missingJunk + " unreadable records are dead-lettered twice");
    if (members instanceof ProcessMembers processes) {
      List<String> faults = processes.faults();
      faults.forEach(fault -> addViolation("unexpected", 1, fault));
    }
    List<Path> files = new ArrayList<>(producers.files());
    files.add(members.history());
    return results.result(name, counts, files);
  }

  /** Sets the number of messages that end in the dead letters instead of having an effect. */
  void expectedDeadLetters(long count) {
    expectedDeadLetters = count;
  }

  @Override
  public void close() throws IOException {
    if (load != null) {
      load.close();
    }
    members.close();
    poison.close();
    transport.close();
    if (proxy != null) {
      proxy.close();
    }
    brokers.forEach(KafkaServer::close);
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
