package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ErrorPlan;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.testkit.history.MessageTrace;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/** Messages, handlers and dead letters that fail. */
final class FailureRows {

  private static final int POISON_KEYS = 5;
  private static final int MAX_TRIES_PER_SECOND = 2;
  private static final Duration LIMIT = Duration.ofSeconds(180);

  private FailureRows() {}

  static RowResult poison(String name, ChaosOptions options) throws Exception {
    int pairs = options.choose(20, 100, 500);
    try (KafkaRowEnvironment scene =
        new KafkaRowEnvironment(new RowSetup(options.choose(20, 100, 500)), options)) {
      scene.produce();
      for (int pair = 0; pair < pairs; pair++) {
        scene.poison().pair("p0-k" + scene.random().nextInt(POISON_KEYS));
        scene.pause(1, 60);
      }
      return scene.result(name, 2 * pairs + " unreadable records");
    }
  }

  /** What handlers need is out of reach: the route pauses, and no attempt is counted. */
  static RowResult outage(String name, ChaosOptions options) throws Exception {
    Duration length = Duration.ofSeconds(options.choose(3, 20, 120));
    AtomicBoolean out = new AtomicBoolean();
    AtomicInteger tries = new AtomicInteger();
    RowSetup setting = new RowSetup(options.choose(20, 100, 500));
    setting.work =
        delivery -> {
          if (out.get()) {
            tries.incrementAndGet();
            throw new StoreException("CHAOS-002", FailureKind.TRANSIENT, "out of reach", null);
          }
        };
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      scene.produce();
      scene.pause(300, 600);
      out.set(true);
      LockSupport.parkNanos(length.toNanos());
      boolean paused = scene.jvm().snapshots().stream().anyMatch(now -> now.isRoutePaused());
      out.set(false);
      scene.wrong("unexpected", paused ? 0 : 1, "no route was paused");
      scene.wrong(
          "unexpected",
          scene.jvm().highestAttempt() > 1 ? 1 : 0,
          "attempts were counted: " + scene.jvm().highestAttempt());
      int letters = scene.transport().deadLetters().list(scene.source(), Members.GROUP, 10).size();
      scene.wrong("unexpected", letters, letters + " dead letters");
      return scene.result(name, tries + " tries in " + length);
    }
  }

  /** Some messages must be given up; until their dead letters are taken nothing of them settles. */
  static RowResult deadLettersDown(String name, ChaosOptions options) throws Exception {
    Duration length = Duration.ofSeconds(options.choose(5, 20, 60));
    RowSetup setting = new RowSetup(options.choose(20, 100, 500));
    setting.subscription =
        config ->
            config
                .withoutDeadLetterBreaker()
                .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build());
    setting.work =
        delivery -> {
          if (isBad(MessageTrace.of(delivery.message()))) {
            throw new IllegalStateException("bad");
          }
        };
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options);
        Admin admin =
            Admin.create(Map.of("bootstrap.servers", scene.brokers().get(0).bootstrapServers()))) {
      String topic = scene.source().name() + "." + Members.GROUP + ".dlq";
      limit(admin, topic, "1");
      scene.produce();
      long end = System.nanoTime() + LIMIT.toNanos();
      while (refused(topic) == 0 && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(20_000_000);
      }
      // Each worker may still come with what it had in hand when the route paused.
      LockSupport.parkNanos(Duration.ofSeconds(3).toNanos());
      double before = refused(topic);
      LockSupport.parkNanos(length.toNanos());
      double tries = (refused(topic) - before) / length.toSeconds();
      // Each member has a route of its own.
      double bound = MAX_TRIES_PER_SECOND * scene.members().size();
      scene.wrong("unexpected", before == 0 ? 1 : 0, "no dead letter was refused");
      scene.wrong(
          "unexpected",
          tries > bound ? 1 : 0,
          tries + " tries a second (expected: at most " + bound + ")");
      limit(admin, topic, "1048576");
      long bad = 0;
      for (int seq = 0; seq < setting.rounds; seq++) {
        bad += isBad(new MessageTrace("x", "x", "x", seq)) ? 1 : 0;
      }
      bad *= (long) setting.producers * setting.keys;
      scene.parked(bad);
      note(scene, bad);
      return scene.result(
          name, String.format("%.1f tries a second of %d members", tries, setting.members));
    }
  }

  /** Handlers meet a missing class, a stack overflow, an assertion, or that memory is out. */
  static RowResult errors(String name, ChaosOptions options) throws Exception {
    ErrorPlan plan = new ErrorPlan();
    RowSetup setting = new RowSetup(options.choose(20, 100, 500));
    setting.work = delivery -> plan.meet(delivery.message().id());
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      scene.produce();
      RowResult result = scene.result(name, "errors in handlers");
      if (plan.thrown() == 0) {
        throw new IllegalStateException("no handler met an error: the row shows nothing");
      }
      return result;
    }
  }

  private static boolean isBad(MessageTrace trace) {
    return trace.seq() % 25 == 13;
  }

  /** Waits for the dead letters and writes them down. */
  private static void note(KafkaRowEnvironment scene, long expected) {
    long end = System.nanoTime() + LIMIT.toNanos();
    List<DeadLetter> letters = List.of();
    while (letters.size() < expected && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(200_000_000);
      letters = scene.transport().deadLetters().list(scene.source(), Members.GROUP, 100_000);
    }
    Set<String> ids = new HashSet<>();
    for (DeadLetter letter : letters) {
      MessageTrace trace = MessageTrace.of(letter.message().orElseThrow());
      scene.wrong("unexpected", ids.add(trace.id()) ? 0 : 1, trace.id() + " is there twice");
      scene.jvm().parked(trace);
    }
  }

  private static void limit(Admin admin, String topic, String bytes) throws Exception {
    admin
        .incrementalAlterConfigs(
            Map.of(
                new ConfigResource(ConfigResource.Type.TOPIC, topic),
                List.of(
                    new AlterConfigOp(
                        new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET))))
        .all()
        .get(30, TimeUnit.SECONDS);
  }

  /** How often producers of this JVM have been refused by a topic. */
  private static double refused(String topic) throws Exception {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    double sum = 0;
    for (ObjectName bean :
        beans.queryNames(
            new ObjectName("kafka.producer:type=producer-topic-metrics,client-id=*,topic=*"),
            null)) {
      if (bean.getKeyProperty("topic").replace("\"", "").equals(topic)) {
        sum += ((Number) beans.getAttribute(bean, "record-error-total")).doubleValue();
      }
    }
    return sum;
  }
}
