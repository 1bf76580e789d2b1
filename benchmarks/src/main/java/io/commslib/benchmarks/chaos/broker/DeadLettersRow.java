package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.testkit.history.MessageTrace;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A backlog of large bodies and small heaps. Members end at the first lack of memory, and so do the
 * processes that read and redrive the dead letters. One of these is killed halfway.
 */
final class DeadLettersRow {

  private static final int MEMBER_MEGABYTES = 96;
  private static final int REDRIVE_MEGABYTES = 64;
  private static final int BODY_BYTES = 1_000_000;
  private static final int MAX_IN_FLIGHT = 16;
  private static final int LETTERS_PER_SECOND = 30;
  private static final Duration LIMIT = Duration.ofSeconds(180);

  private DeadLettersRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    RowSetup setup = new RowSetup(options.bySize(10, 40, 200));
    setup.membersAsProcesses = true;
    setup.memberCount = 0;
    setup.producerCount = 2;
    setup.keys = 10;
    setup.heapMegabytes = MEMBER_MEGABYTES;
    setup.bodyBytes = BODY_BYTES;
    setup.maxInFlight = MAX_IN_FLIGHT;
    setup.failUntilRedriven = true;
    long letters = 0;
    for (int seq = 0; seq < setup.rounds; seq++) {
      letters += ConsumerProcess.isBad(new MessageTrace("x", "x", "x", seq)) ? 1 : 0;
    }
    letters *= (long) setup.producerCount * setup.keys;
    try (ProcessRowEnvironment environment = new ProcessRowEnvironment(kind, setup, options)) {
      environment.produce();
      long all = environment.confirmed();
      // Members join late, so that their intake limits apply to the whole backlog.
      environment.members().join();
      environment.results().awaitEffects(environment.members(), all - letters);
      environment.awaitDeadLetters(letters, ConsumerProcess.FAILURE_CAUSE);
      ChildJvm first = environment.redrive(1, REDRIVE_MEGABYTES, LETTERS_PER_SECOND);
      long half = all - letters / 2;
      long end = System.nanoTime() + LIMIT.toNanos();
      while (environment.members().effectCount() < half
          && first.isAlive()
          && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(5_000_000);
      }
      environment
          .results()
          .addViolation(
              "unexpected", first.isAlive() ? 0 : 1, "redriven before a kill: " + first.output());
      first.kill();
      ChildJvm second = environment.redrive(2, REDRIVE_MEGABYTES, 2_000);
      int status = second.awaitExit(LIMIT);
      environment
          .results()
          .addViolation("unexpected", status == 0 ? 0 : 1, "redrive: " + status + second.output());
      environment.results().awaitEffects(environment.members(), all);
      long left = environment.deadLetterCount();
      environment.results().addViolation("stuck", left, left + " dead letters are left");
      return environment.result(
          name,
          String.format(
              "%d bodies of %d bytes, %d dead letters, heaps of %d and %d MiB",
              all, BODY_BYTES, letters, MEMBER_MEGABYTES, REDRIVE_MEGABYTES));
    }
  }
}
