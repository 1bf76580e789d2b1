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

/** Brokers and members that join, leave, stall and die. */
final class MembershipRows {

  private static final Duration DEAD_LETTER_LIMIT = Duration.ofSeconds(180);

  private MembershipRows() {}

  static RowResult killBrokers(String name, ChaosOptions options) throws Exception {
    int kills = options.bySize(2, 6, 10);
    RowSetup setup = new RowSetup(options.bySize(20, 100, 500));
    setup.brokerCount = 3;
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce();
      for (int kill = 0; kill < kills; kill++) {
        KafkaServer broker = environment.brokers().get(kill % environment.brokers().size());
        environment.pause(200, 1_500);
        broker.kill();
        environment.pause(200, 3_000);
        broker.restart();
      }
      return environment.result(name, kills + " kills");
    }
  }

  static RowResult joinLeaveAndKill(String name, ChaosOptions options) throws Exception {
    return joinLeaveAndKill(name, options, GroupProtocol.CLASSIC);
  }

  static RowResult joinLeaveAndKillKip848(String name, ChaosOptions options) throws Exception {
    return joinLeaveAndKill(name, options, GroupProtocol.CONSUMER);
  }

  /** A third of the members that leave is killed. */
  private static RowResult joinLeaveAndKill(
      String name, ChaosOptions options, GroupProtocol protocol) throws Exception {
    int changes = options.bySize(3, 20, 150);
    RowSetup setup = processSetup(options.bySize(20, 150, 1_000));
    setup.protocol = protocol;
    if (protocol == GroupProtocol.CONSUMER) {
      setup.brokerSettings.put("group.consumer.min.session.timeout.ms", "1000");
      setup.brokerSettings.put("group.consumer.session.timeout.ms", "3000");
      setup.brokerSettings.put("group.consumer.min.heartbeat.interval.ms", "200");
      setup.brokerSettings.put("group.consumer.heartbeat.interval.ms", "500");
      setup.clientSettings.clear();
    }
    int killed = 0;
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      ProcessMembers members = environment.processMembers();
      environment.produce();
      for (int change = 0; change < changes; change++) {
        if (members.size() < 3 || (members.size() < 6 && environment.random().nextBoolean())) {
          members.join();
        } else if (environment.random().nextInt(3) == 0) {
          members.kill();
          killed++;
        } else {
          members.leave();
        }
        environment.pause(100, 2_000);
      }
      return environment.result(name, changes + " changes, " + killed + " by SIGKILL");
    }
  }

  private static RowSetup processSetup(int rounds) {
    RowSetup setup = new RowSetup(rounds);
    setup.membersAsProcesses = true;
    setup.clientSettings.put("heartbeat.interval.ms", "500");
    return setup;
  }

  /** A few handlers block for twice the poll interval; the other keys continue. */
  static RowResult slowHandlers(String name, ChaosOptions options) throws Exception {
    RowSetup setup = new RowSetup(options.bySize(30, 100, 500));
    setup.transportCustomizer = config -> config.clientSetting("max.poll.interval.ms", 6_000);
    setup.handlerWork = MembershipRows::sometimesSlow;
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce();
      return environment.result(name, 2 * setup.producerCount + " handlers of 12 s");
    }
  }

  private static void sometimesSlow(Delivery delivery) {
    String id = delivery.message().id();
    if (id.endsWith("-k7-20") || id.endsWith("-k13-25")) {
      LockSupport.parkNanos(Duration.ofSeconds(12).toNanos());
    }
  }

  /** Checks that offsets never decrease, which would mean that a removed member has committed. */
  static RowResult suspendAndResume(String name, ChaosOptions options) throws Exception {
    int pauses = options.bySize(2, 10, 30);
    RowSetup setup = processSetup(options.bySize(50, 400, 2_000));
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options);
        Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers(environment)))) {
      environment.produce();
      Map<TopicPartition, Long> highest = new HashMap<>();
      for (int pause = 0; pause < pauses; pause++) {
        ChildJvm child = environment.processMembers().randomMember(environment.random());
        environment.pause(100, 1_000);
        child.suspend();
        LockSupport.parkNanos(KafkaRowEnvironment.SESSION.plusMillis(1_500).toNanos());
        checkOffsets(environment, admin, highest);
        child.resume();
        environment.pause(300, 1_500);
        checkOffsets(environment, admin, highest);
      }
      return environment.result(
          name, pauses + " pauses of " + KafkaRowEnvironment.SESSION.plusMillis(1_500));
    }
  }

  private static String bootstrapServers(KafkaRowEnvironment environment) {
    return environment.brokers().get(0).bootstrapServers();
  }

  private static void checkOffsets(
      KafkaRowEnvironment environment, Admin admin, Map<TopicPartition, Long> highest)
      throws Exception {
    admin
        .listConsumerGroupOffsets(environment.source().name() + "." + GroupMembers.GROUP)
        .partitionsToOffsetAndMetadata()
        .get(30, TimeUnit.SECONDS)
        .forEach(
            (partition, offset) -> {
              if (offset != null) {
                long before = highest.getOrDefault(partition, 0L);
                environment.addViolation(
                    "unexpected",
                    offset.offset() < before ? 1 : 0,
                    partition + " decreased from " + before + " to " + offset.offset());
                highest.put(partition, Math.max(before, offset.offset()));
              }
            });
  }

  /** Each process must end with status 0, and redeliveries are limited to messages in flight. */
  static RowResult rollingRestart(String name, ChaosOptions options) throws Exception {
    int restarts = options.bySize(3, 20, 50);
    RowSetup setup = processSetup(options.bySize(20, 150, 1_000));
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      ProcessMembers members = environment.processMembers();
      ChaosLoad load = environment.produce();
      for (int restart = 0; restart < restarts; restart++) {
        environment.pause(50, 500);
        members.join();
        members.leave();
      }
      load.join();
      environment.awaitEffects(load.confirmed());
      while (members.size() > 0) {
        members.leave();
      }
      long redelivered = members.received() - members.effectCount();
      long bound = restarts * 500L;
      environment.addViolation(
          "unexpected",
          redelivered > bound ? 1 : 0,
          redelivered + " redelivered (expected: at most " + bound + ")");
      return environment.result(name, restarts + " restarts, " + redelivered + " redelivered");
    }
  }

  /** A message that kills every member that handles it must end in the dead letters. */
  static RowResult messagesThatKill(String name, ChaosOptions options) throws Exception {
    RowSetup setup = processSetup(options.bySize(20, 100, 300));
    setup.memberCount = 2;
    int killed = 0;
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      ProcessMembers members = environment.processMembers();
      ChaosLoad load = environment.produce();
      load.join();
      Message killer =
          new MessageTrace("killer", ConsumerProcess.KILLING_WRITER, "killer-key", 0)
              .stamp(Message.builder("chaos.event"))
              .build();
      environment
          .transport()
          .publisher()
          .publish(environment.source(), killer)
          .toCompletableFuture()
          .join();
      long end = System.nanoTime() + DEAD_LETTER_LIMIT.toNanos();
      while (isMissing(environment) && System.nanoTime() - end < 0) {
        for (ChildJvm dead : members.exited()) {
          killed += members.awaitExit(dead) == 137 ? 1 : 0;
          members.join();
        }
        LockSupport.parkNanos(100_000_000);
      }
      for (ChildJvm dead : members.exited()) {
        members.awaitExit(dead);
      }
      environment.addViolation(
          "stuck",
          isMissing(environment) ? 1 : 0,
          "the message that kills its process is in no dead letter");
      environment.addViolation(
          "unexpected", killed > 60 ? 1 : 0, killed + " processes died of one message");
      return environment.result(name, killed + " processes died of 1 message");
    }
  }

  private static boolean isMissing(KafkaRowEnvironment environment) {
    return environment
        .transport()
        .deadLetters()
        .list(environment.source(), GroupMembers.GROUP, 10)
        .isEmpty();
  }
}
