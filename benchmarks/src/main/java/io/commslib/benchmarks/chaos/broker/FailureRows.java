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
    int pairs = options.bySize(20, 100, 500);
    try (KafkaRowEnvironment environment =
        new KafkaRowEnvironment(new RowSetup(options.bySize(20, 100, 500)), options)) {
      environment.produce();
      for (int pair = 0; pair < pairs; pair++) {
        environment.poison().publishPair("p0-k" + environment.random().nextInt(POISON_KEYS));
        environment.pause(1, 60);
      }
      return environment.result(name, 2 * pairs + " unreadable records");
    }
  }

  /** A dependency of the handlers is unavailable: the route pauses, and no attempt is counted. */
  static RowResult outage(String name, ChaosOptions options) throws Exception {
    Duration length = Duration.ofSeconds(options.bySize(3, 20, 120));
    AtomicBoolean out = new AtomicBoolean();
    AtomicInteger tries = new AtomicInteger();
    RowSetup setup = new RowSetup(options.bySize(20, 100, 500));
    setup.handlerWork =
        delivery -> {
          if (out.get()) {
            tries.incrementAndGet();
            throw new StoreException("CHAOS-002", FailureKind.TRANSIENT, "unavailable", null);
          }
        };
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce();
      environment.pause(300, 600);
      out.set(true);
      LockSupport.parkNanos(length.toNanos());
      boolean paused =
          environment.jvmMembers().snapshots().stream().anyMatch(now -> now.isRoutePaused());
      out.set(false);
      environment.addViolation("unexpected", paused ? 0 : 1, "no route was paused");
      environment.addViolation(
          "unexpected",
          environment.jvmMembers().highestAttempt() > 1 ? 1 : 0,
          "attempts were counted: " + environment.jvmMembers().highestAttempt());
      int letters =
          environment
              .transport()
              .deadLetters()
              .list(environment.source(), GroupMembers.GROUP, 10)
              .size();
      environment.addViolation("unexpected", letters, letters + " dead letters");
      return environment.result(name, tries + " tries in " + length);
    }
  }

  /** Some messages must be dead-lettered; none of them settles until its dead letter is stored. */
  static RowResult deadLettersDown(String name, ChaosOptions options) throws Exception {
    Duration length = Duration.ofSeconds(options.bySize(5, 20, 60));
    RowSetup setup = new RowSetup(options.bySize(20, 100, 500));
    setup.subscriptionCustomizer =
        config ->
            config
                .withoutDeadLetterBreaker()
                .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build());
    setup.handlerWork =
        delivery -> {
          if (isBad(MessageTrace.of(delivery.message()))) {
            throw new IllegalStateException("bad");
          }
        };
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options);
        Admin admin =
            Admin.create(
                Map.of("bootstrap.servers", environment.brokers().get(0).bootstrapServers()))) {
      String topic = environment.source().name() + "." + GroupMembers.GROUP + ".dlq";
      setMaxMessageBytes(admin, topic, "1");
      environment.produce();
      long end = System.nanoTime() + LIMIT.toNanos();
      while (refusedRecords(topic) == 0 && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(20_000_000);
      }
      // Each worker may still dead-letter the message that it handled when the route paused.
      LockSupport.parkNanos(Duration.ofSeconds(3).toNanos());
      double before = refusedRecords(topic);
      LockSupport.parkNanos(length.toNanos());
      double tries = (refusedRecords(topic) - before) / length.toSeconds();
      // Each member has a route of its own.
      double bound = MAX_TRIES_PER_SECOND * environment.members().size();
      environment.addViolation("unexpected", before == 0 ? 1 : 0, "no dead letter was refused");
      environment.addViolation(
          "unexpected",
          tries > bound ? 1 : 0,
          tries + " tries per second (expected: at most " + bound + ")");
      setMaxMessageBytes(admin, topic, "1048576");
      long bad = 0;
      for (int seq = 0; seq < setup.rounds; seq++) {
        bad += isBad(new MessageTrace("x", "x", "x", seq)) ? 1 : 0;
      }
      bad *= (long) setup.producerCount * setup.keys;
      environment.expectedDeadLetters(bad);
      recordDeadLetters(environment, bad);
      return environment.result(
          name, String.format("%.1f tries per second of %d members", tries, setup.memberCount));
    }
  }

  /** Handlers throw missing classes, stack overflows, assertion errors and out-of-memory errors. */
  static RowResult errors(String name, ChaosOptions options) throws Exception {
    ErrorPlan plan = new ErrorPlan();
    RowSetup setup = new RowSetup(options.bySize(20, 100, 500));
    setup.handlerWork = delivery -> plan.throwPlanned(delivery.message().id());
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce();
      RowResult result = environment.result(name, "errors in handlers");
      if (plan.thrown() == 0) {
        throw new IllegalStateException("no handler threw an error: the row proves nothing");
      }
      return result;
    }
  }

  private static boolean isBad(MessageTrace trace) {
    return trace.seq() % 25 == 13;
  }

  /** Waits for the dead letters and records them in the history. */
  private static void recordDeadLetters(KafkaRowEnvironment environment, long expected) {
    long end = System.nanoTime() + LIMIT.toNanos();
    List<DeadLetter> letters = List.of();
    while (letters.size() < expected && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(200_000_000);
      letters =
          environment
              .transport()
              .deadLetters()
              .list(environment.source(), GroupMembers.GROUP, 100_000);
    }
    Set<String> ids = new HashSet<>();
    for (DeadLetter letter : letters) {
      MessageTrace trace = MessageTrace.of(letter.message().orElseThrow());
      environment.addViolation(
          "unexpected", ids.add(trace.id()) ? 0 : 1, trace.id() + " is dead-lettered twice");
      environment.jvmMembers().recordDeadLetter(trace);
    }
  }

  private static void setMaxMessageBytes(Admin admin, String topic, String bytes) throws Exception {
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

  /** Returns the number of records of this JVM's producers that a topic has refused. */
  private static double refusedRecords(String topic) throws Exception {
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
