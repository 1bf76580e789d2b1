package io.commslib.benchmarks.chaos;

import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.HistoryOracle;
import io.commslib.testkit.HistoryVerdict;
import io.commslib.testkit.HistoryVerdict.Counter;
import io.commslib.testkit.servers.KafkaCluster;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Rows of the fault matrix on real Kafka brokers. Members are transports in this JVM, each with
 * clients of its own; brokers are processes and are killed.
 */
final class KafkaChaos {

  /**
   * One kind of fault.
   *
   * @param text what happens
   * @param brokers how many brokers it needs
   * @param protocol of the group
   * @param script the faults
   */
  record Fault(String text, int brokers, GroupProtocol protocol, Script script) {}

  /** Faults while the load runs; returns how many there were. */
  interface Script {
    int run(Scene scene) throws Exception;
  }

  static final Map<String, Fault> ROWS = rows();

  private static final int PRODUCERS = 4;
  private static final int ROUNDS = 100;
  private static final int KILLS = 6;
  private static final int PAIRS = 100;
  private static final int POISON_KEYS = 5;
  private static final int SLOW = 8;
  private static final Duration QUIET_LIMIT = Duration.ofSeconds(120);
  private static final Duration STUCK = Duration.ofSeconds(60);

  private KafkaChaos() {}

  private static Map<String, Fault> rows() {
    Map<String, Fault> rows = new LinkedHashMap<>();
    rows.put(
        "20",
        new Fault(
            "three brokers, one killed in turn", 3, GroupProtocol.CLASSIC, KafkaChaos::killInTurn));
    rows.put(
        "21",
        new Fault(
            "members join and leave, cooperative protocol",
            1,
            GroupProtocol.CLASSIC,
            KafkaChaos::comeAndGo));
    rows.put(
        "21b",
        new Fault(
            "members join and leave, KIP-848 protocol",
            1,
            GroupProtocol.CONSUMER,
            KafkaChaos::comeAndGo));
    rows.put(
        "22",
        new Fault(
            "handlers longer than the poll interval",
            1,
            GroupProtocol.CLASSIC,
            KafkaChaos::awaitLoad));
    rows.put(
        "24",
        new Fault(
            "pairs of unreadable records among good ones",
            1,
            GroupProtocol.CLASSIC,
            KafkaChaos::poison));
    rows.put(
        "40",
        new Fault(
            "every member closed and replaced, one by one",
            1,
            GroupProtocol.CLASSIC,
            KafkaChaos::roll));
    return Collections.unmodifiableMap(rows);
  }

  static DestinationConfig declaration(Destination source) {
    return DestinationConfig.builder(source).partitions(8).build();
  }

  static RowResult run(String row, long seed) throws Exception {
    System.setProperty(KafkaServer.LONG_RUN_PROPERTY, "true");
    Fault fault = ROWS.get(row);
    long start = System.nanoTime();
    Path folder = Files.createTempDirectory("commslib-chaos");
    Destination source = Destination.topic("chaos");
    boolean slow = row.equals("22");
    try (KafkaCluster cluster = KafkaCluster.start(fault.brokers(), Map.of());
        ChaosGroup group =
            new ChaosGroup(
                cluster.bootstrapServers(),
                source,
                folder,
                fault.protocol(),
                config -> {
                  if (slow) {
                    config.clientSetting("max.poll.interval.ms", 6_000);
                  }
                },
                slow ? KafkaChaos::sometimesSlow : delivery -> {});
        KafkaTransport own =
            KafkaTransport.create(
                KafkaTransportConfig.builder(cluster.bootstrapServers()).build());
        Poison poison = new Poison(cluster.bootstrapServers(), source, own.deadLetters())) {
      own.declare(declaration(source));
      group.join();
      group.join();
      group.join();
      try (ChaosLoad load = new ChaosLoad(own.publisher(), source, folder, PRODUCERS, ROUNDS)) {
        Scene scene = new Scene(cluster, group, load, new Random(seed), poison);
        int faults = fault.script().run(scene);
        load.join();
        scene.awaitQuiet();
        long missingJunk = poison.awaitParked(QUIET_LIMIT);
        List<Path> files = new ArrayList<>(load.files());
        files.add(group.file());
        return result(
            row + ", " + fault.text(),
            faults,
            HistoryOracle.of(List.of(ChaosGroup.NAME), STUCK).judge(files),
            missingJunk,
            (System.nanoTime() - start) / 1e9);
      }
    } finally {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }

  /** Unreadable records that stand in no dead letter are lost, those that do twice unexpected. */
  private static RowResult result(
      String name, int faults, HistoryVerdict verdict, long missingJunk, double seconds) {
    Map<String, Long> broken = new LinkedHashMap<>();
    broken.put("lost", verdict.count(Counter.LOST) + Math.max(0, missingJunk));
    broken.put("unexpected", verdict.count(Counter.UNEXPECTED) + Math.max(0, -missingJunk));
    broken.put("duplicateEffects", verdict.count(Counter.DUPLICATE_EFFECTS));
    broken.put("inversions", verdict.count(Counter.REORDERED));
    broken.put("stuck", verdict.count(Counter.STUCK));
    String counts =
        String.format(
            "%d faults, %d acknowledged, %d redelivered, %d parked",
            faults,
            verdict.count(Counter.ACKNOWLEDGED),
            verdict.count(Counter.REDELIVERED),
            verdict.count(Counter.PARKED));
    return new RowResult(name, counts, broken, verdict.findings(), seconds);
  }

  /**
   * What a script acts on.
   *
   * @param cluster the brokers
   * @param group the members
   * @param load the producers
   * @param random of the seed
   * @param poison unreadable records
   */
  record Scene(
      KafkaCluster cluster, ChaosGroup group, ChaosLoad load, Random random, Poison poison) {

    void pause(int atLeastMillis, int upToMillis) {
      LockSupport.parkNanos(1_000_000L * random.nextInt(atLeastMillis, upToMillis));
    }

    /** Gives up after a while: what is missing then counts as lost. */
    void awaitQuiet() {
      long end = System.nanoTime() + QUIET_LIMIT.toNanos();
      while (group.effected() < load.confirmed() && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  private static int killInTurn(Scene scene) {
    for (int kill = 0; kill < KILLS; kill++) {
      KafkaServer broker = scene.cluster().brokers().get(kill % scene.cluster().brokers().size());
      scene.pause(200, 1_500);
      broker.kill();
      scene.pause(200, 3_000);
      broker.restart();
    }
    return KILLS;
  }

  private static int comeAndGo(Scene scene) {
    int changes = 0;
    while (scene.load().isRunning() || changes < 8) {
      boolean grow =
          scene.group().size() < 3 || scene.group().size() < 6 && scene.random().nextBoolean();
      if (grow) {
        scene.group().join();
      } else {
        scene.group().leave();
      }
      changes++;
      scene.pause(100, 2_000);
    }
    return changes;
  }

  private static int roll(Scene scene) {
    int closed = 0;
    while (scene.load().isRunning() || closed < 3) {
      scene.pause(50, 500);
      scene.group().join();
      scene.group().leave();
      closed++;
    }
    return closed;
  }

  private static int awaitLoad(Scene scene) throws InterruptedException {
    scene.load().join();
    return SLOW;
  }

  /** One message of a key parks for twice the poll interval; others go on. */
  private static void sometimesSlow(Delivery delivery) {
    String id = delivery.message().id();
    if (id.endsWith("-k7-20") || id.endsWith("-k13-60")) {
      LockSupport.parkNanos(Duration.ofSeconds(12).toNanos());
    }
  }

  private static int poison(Scene scene) {
    for (int pair = 0; pair < PAIRS; pair++) {
      String key = "p0-k" + scene.random().nextInt(POISON_KEYS);
      scene.poison().pair(key);
      scene.pause(1, 60);
    }
    return PAIRS * 2;
  }
}
