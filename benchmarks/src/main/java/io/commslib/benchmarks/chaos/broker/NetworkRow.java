package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** All clients connect through one faulty proxy. */
final class NetworkRow {

  private static final Duration PUBLISH_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration THREADS_LIMIT = Duration.ofSeconds(30);
  private static final int TRICKLE_BYTES_PER_SECOND = 100;

  private NetworkRow() {}

  static RowResult run(String name, ChaosOptions options) throws Exception {
    int each = options.bySize(1, 5, 100);
    RowSetup setup = new RowSetup(options.bySize(20, 150, 3_000));
    setup.behindProxy = true;
    setup.publishTimeout = PUBLISH_TIMEOUT;
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      int before = clientThreads();
      ChaosLoad load = environment.produce();
      TcpFaultProxy proxy = environment.proxy();
      for (int round = 0; round < each; round++) {
        proxy.cut();
        environment.pause(100, 1_000);
        Direction way =
            environment.random().nextBoolean() ? Direction.TO_SERVER : Direction.TO_CLIENT;
        proxy.blackHole(way);
        environment.pause(200, 3_000);
        proxy.heal();
        environment.pause(100, 500);
        proxy.throttle(TRICKLE_BYTES_PER_SECOND);
        environment.pause(200, 2_000);
        proxy.heal();
        environment.pause(100, 500);
        proxy.halfClose(way);
        environment.pause(100, 1_000);
      }
      load.join();
      environment.awaitEffects(load.confirmed());
      Duration bound = PUBLISH_TIMEOUT.multipliedBy(2);
      environment.addViolation(
          "stuck",
          load.slowest().compareTo(bound) > 0 ? 1 : 0,
          "a publish took " + load.slowest() + " (expected: at most " + bound + ")");
      long end = System.nanoTime() + THREADS_LIMIT.toNanos();
      while (clientThreads() > before && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(100_000_000);
      }
      int after = clientThreads();
      environment.addViolation(
          "unexpected", after > before ? 1 : 0, before + " threads became " + after);
      return environment.result(
          name, 4 * each + " faults, slowest publish " + load.slowest().toMillis() + " ms");
    }
  }

  /** Counts threads of Kafka clients; the number of other threads varies. */
  private static int clientThreads() {
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("kafka-"))
            .count();
  }
}
