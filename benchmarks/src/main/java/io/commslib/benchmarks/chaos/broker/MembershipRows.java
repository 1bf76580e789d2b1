package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.kafka.GroupProtocol;
import io.commslib.testkit.history.MessageTrace;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;

/** Brokers and members that come, go, stand still and die. */
final class MembershipRows {

  private static final Duration DEAD_LETTER_LIMIT = Duration.ofSeconds(180);

  private MembershipRows() {}

  static RowResult killBrokers(String name, ChaosOptions options) throws Exception {
    int kills = options.choose(2, 6, 10);
    RowSetup setting = new RowSetup(options.choose(20, 100, 500));
    setting.brokers = 3;
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      scene.produce();
      for (int kill = 0; kill < kills; kill++) {
        KafkaServer broker = scene.brokers().get(kill % scene.brokers().size());
        scene.pause(200, 1_500);
        broker.kill();
        scene.pause(200, 3_000);
        broker.restart();
      }
      return scene.result(name, kills + " kills");
    }
  }

  static RowResult comeAndGo(String name, ChaosOptions options) throws Exception {
    return comeAndGo(name, options, GroupProtocol.CLASSIC);
  }

  static RowResult comeAndGo848(String name, ChaosOptions options) throws Exception {
    return comeAndGo(name, options, GroupProtocol.CONSUMER);
  }

  /** A third of those that go is killed. */
  private static RowResult comeAndGo(String name, ChaosOptions options, GroupProtocol protocol)
      throws Exception {
    int changes = options.choose(3, 20, 150);
    RowSetup setting = processes(options.choose(20, 150, 1_000));
    setting.protocol = protocol;
    if (protocol == GroupProtocol.CONSUMER) {
      setting.broker.put("group.consumer.min.session.timeout.ms", "1000");
      setting.broker.put("group.consumer.session.timeout.ms", "3000");
      setting.broker.put("group.consumer.min.heartbeat.interval.ms", "200");
      setting.broker.put("group.consumer.heartbeat.interval.ms", "500");
      setting.client.clear();
    }
    int killed = 0;
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      ProcessMembers members = scene.processes();
      scene.produce();
      for (int change = 0; change < changes; change++) {
        if (members.size() < 3 || (members.size() < 6 && scene.random().nextBoolean())) {
          members.join();
        } else if (scene.random().nextInt(3) == 0) {
          members.kill();
          killed++;
        } else {
          members.leave();
        }
        scene.pause(100, 2_000);
      }
      return scene.result(name, changes + " changes, " + killed + " by SIGKILL");
    }
  }

  private static RowSetup processes(int rounds) {
    RowSetup setting = new RowSetup(rounds);
    setting.processes = true;
    setting.client.put("heartbeat.interval.ms", "500");
    return setting;
  }

  /** One message of a key parks for twice the poll interval; others go on. */
  static RowResult slow(String name, ChaosOptions options) throws Exception {
    RowSetup setting = new RowSetup(options.choose(30, 100, 500));
    setting.transport = config -> config.clientSetting("max.poll.interval.ms", 6_000);
    setting.work = MembershipRows::sometimesSlow;
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      scene.produce();
      return scene.result(name, 2 * setting.producers + " handlers of 12 s");
    }
  }

  private static void sometimesSlow(Delivery delivery) {
    String id = delivery.message().id();
    if (id.endsWith("-k7-20") || id.endsWith("-k13-25")) {
      LockSupport.parkNanos(Duration.ofSeconds(12).toNanos());
    }
  }

  /** Offsets of a group that go back would mean that a member that was missed has committed. */
  static RowResult stopAndGo(String name, ChaosOptions options) throws Exception {
    int pauses = options.choose(2, 10, 30);
    RowSetup setting = processes(options.choose(50, 400, 2_000));
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options);
        Admin admin = Admin.create(Map.of("bootstrap.servers", first(scene)))) {
      scene.produce();
      Map<TopicPartition, Long> highest = new HashMap<>();
      for (int pause = 0; pause < pauses; pause++) {
        ChildJvm child = scene.processes().any(scene.random());
        scene.pause(100, 1_000);
        child.stop();
        LockSupport.parkNanos(KafkaRowEnvironment.SESSION.plusMillis(1_500).toNanos());
        look(scene, admin, highest);
        child.resume();
        scene.pause(300, 1_500);
        look(scene, admin, highest);
      }
      return scene.result(
          name, pauses + " pauses of " + KafkaRowEnvironment.SESSION.plusMillis(1_500));
    }
  }

  private static String first(KafkaRowEnvironment scene) {
    return scene.brokers().get(0).bootstrapServers();
  }

  private static void look(
      KafkaRowEnvironment scene, Admin admin, Map<TopicPartition, Long> highest) throws Exception {
    admin
        .listConsumerGroupOffsets(scene.source().name() + "." + Members.GROUP)
        .partitionsToOffsetAndMetadata()
        .get(30, TimeUnit.SECONDS)
        .forEach(
            (partition, offset) -> {
              if (offset != null) {
                long before = highest.getOrDefault(partition, 0L);
                scene.wrong(
                    "unexpected",
                    offset.offset() < before ? 1 : 0,
                    partition + " went back from " + before + " to " + offset.offset());
                highest.put(partition, Math.max(before, offset.offset()));
              }
            });
  }

  /** Ends with status 0 each, and what comes again is at most what was in flight. */
  static RowResult roll(String name, ChaosOptions options) throws Exception {
    int restarts = options.choose(3, 20, 50);
    RowSetup setting = processes(options.choose(20, 150, 1_000));
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      ProcessMembers members = scene.processes();
      ChaosLoad load = scene.produce();
      for (int restart = 0; restart < restarts; restart++) {
        scene.pause(50, 500);
        members.join();
        members.leave();
      }
      load.join();
      scene.awaitEffects(load.confirmed());
      while (members.size() > 0) {
        members.leave();
      }
      long again = members.received() - members.effected();
      long bound = restarts * 500L;
      scene.wrong(
          "unexpected",
          again > bound ? 1 : 0,
          again + " came again (expected: at most " + bound + ")");
      return scene.result(name, restarts + " restarts, " + again + " came again");
    }
  }

  /** Each kills the members it comes to until it is known for that and goes to the dead letters. */
  static RowResult killers(String name, ChaosOptions options) throws Exception {
    RowSetup setting = processes(options.choose(20, 100, 300));
    setting.members = 2;
    int killed = 0;
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      ProcessMembers members = scene.processes();
      ChaosLoad load = scene.produce();
      load.join();
      Message killer =
          new MessageTrace("killer", ConsumerProcess.KILLER, "killer-key", 0)
              .stamp(Message.builder("chaos.event"))
              .build();
      scene.transport().publisher().publish(scene.source(), killer).toCompletableFuture().join();
      long end = System.nanoTime() + DEAD_LETTER_LIMIT.toNanos();
      while (isMissing(scene) && System.nanoTime() - end < 0) {
        for (ChildJvm dead : members.dead()) {
          killed += members.awaitEnd(dead) == 137 ? 1 : 0;
          members.join();
        }
        LockSupport.parkNanos(100_000_000);
      }
      for (ChildJvm dead : members.dead()) {
        members.awaitEnd(dead);
      }
      scene.wrong("stuck", isMissing(scene) ? 1 : 0, "the message that kills is in no dead letter");
      scene.wrong("unexpected", killed > 60 ? 1 : 0, killed + " processes died of one message");
      return scene.result(name, killed + " processes died of 1 message");
    }
  }

  private static boolean isMissing(KafkaRowEnvironment scene) {
    return scene.transport().deadLetters().list(scene.source(), Members.GROUP, 10).isEmpty();
  }
}
