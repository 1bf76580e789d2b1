package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.RetrySchedule;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** All messages are dead-lettered, then redriven by processes that are killed halfway. */
final class RedriveRow {

  private static final Duration LIMIT = Duration.ofSeconds(300);

  private RedriveRow() {}

  static RowResult run(String name, ChaosOptions options) throws Exception {
    int kills = options.bySize(1, 5, 5);
    AtomicBoolean cured = new AtomicBoolean();
    AtomicInteger fewest = new AtomicInteger(Integer.MAX_VALUE);
    AtomicInteger most = new AtomicInteger();
    RowSetup setup = new RowSetup(options.bySize(5, 50, 50));
    setup.subscriptionCustomizer =
        config ->
            config
                .withoutDeadLetterBreaker()
                .retry(RetrySchedule.builder().attemptsAtOnce(1).withoutDelays().build());
    setup.handlerWork =
        delivery -> {
          if (!cured.get()) {
            throw new IllegalStateException("not cured yet");
          }
          fewest.accumulateAndGet(delivery.redriveCount(), Math::min);
          most.accumulateAndGet(delivery.redriveCount(), Math::max);
        };
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce().join();
      long all = setup.messages();
      awaitLetters(environment, all);
      cured.set(true);
      for (int kill = 0; kill < kills; kill++) {
        ChildJvm child = redrive(environment, kill);
        child.awaitLine(RedriveProcess.READY);
        long target = all * (kill + 1) / (kills + 2);
        long end = System.nanoTime() + LIMIT.toNanos();
        while (environment.members().effectCount() < target
            && child.isAlive()
            && System.nanoTime() - end < 0) {
          LockSupport.parkNanos(5_000_000);
        }
        environment.addViolation(
            "unexpected", child.isAlive() ? 0 : 1, "the redrive ended before it could be killed");
        child.kill();
      }
      int status = redrive(environment, kills).awaitExit(LIMIT);
      environment.addViolation(
          "unexpected", status == 0 ? 0 : 1, "the last redrive ended with " + status);
      environment.awaitEffects(all);
      environment.addViolation(
          "unexpected",
          fewest.get() < 1 || most.get() > kills + 1 ? 1 : 0,
          "redrives counted: " + fewest + " to " + most);
      int left =
          environment
              .transport()
              .deadLetters()
              .list(environment.source(), GroupMembers.GROUP, 100_000)
              .size();
      environment.addViolation("stuck", left, left + " dead letters are left");
      return environment.result(
          name, all + " dead letters, " + kills + " kills, counted up to " + most);
    }
  }

  private static void awaitLetters(KafkaRowEnvironment environment, long count) {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (environment
                .transport()
                .deadLetters()
                .list(environment.source(), GroupMembers.GROUP, 100_000)
                .size()
            < count
        && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(500_000_000);
    }
  }

  private static ChildJvm redrive(KafkaRowEnvironment environment, int number) {
    return ChildJvm.start(
        List.of("-Xmx128m"),
        RedriveProcess.class.getName(),
        List.of(
            Broker.Kind.KAFKA.name(),
            environment.brokers().get(0).bootstrapServers(),
            environment.source().toString(),
            "2000"),
        environment.folder().resolve("redrive-" + number + ".log"));
  }
}
