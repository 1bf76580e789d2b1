package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.testkit.history.MessageTrace;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A backlog of large bodies and small heaps: members end at the first lack of memory, so do the
 * processes that read and redrive the dead letters, one of which is killed half way.
 */
final class LettersRow {

  private static final int MEMBER_MEGABYTES = 96;
  private static final int REDRIVE_MEGABYTES = 64;
  private static final int BODY_BYTES = 1_000_000;
  private static final int MAX_IN_FLIGHT = 16;
  private static final int LETTERS_PER_SECOND = 30;
  private static final Duration LIMIT = Duration.ofSeconds(180);

  private LettersRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    RowSetup setting = new RowSetup(options.choose(10, 40, 200));
    setting.processes = true;
    setting.members = 0;
    setting.producers = 2;
    setting.keys = 10;
    setting.heapMegabytes = MEMBER_MEGABYTES;
    setting.bodyBytes = BODY_BYTES;
    setting.maxInFlight = MAX_IN_FLIGHT;
    setting.failing = true;
    long letters = 0;
    for (int seq = 0; seq < setting.rounds; seq++) {
      letters += ConsumerProcess.isBad(new MessageTrace("x", "x", "x", seq)) ? 1 : 0;
    }
    letters *= (long) setting.producers * setting.keys;
    try (ProcessRowEnvironment scene = new ProcessRowEnvironment(kind, setting, options)) {
      scene.produce();
      long all = scene.confirmed();
      // Only now: a member has to choose how much of the backlog it takes.
      scene.members().join();
      scene.judge().awaitEffects(scene.members(), all - letters);
      scene.awaitParked(letters, ConsumerProcess.BAD);
      ChildJvm first = scene.redrive(1, REDRIVE_MEGABYTES, LETTERS_PER_SECOND);
      long half = all - letters / 2;
      long end = System.nanoTime() + LIMIT.toNanos();
      while (scene.members().effected() < half && first.isAlive() && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(5_000_000);
      }
      scene
          .judge()
          .wrong(
              "unexpected", first.isAlive() ? 0 : 1, "redriven before a kill: " + first.output());
      first.kill();
      ChildJvm second = scene.redrive(2, REDRIVE_MEGABYTES, 2_000);
      int status = second.awaitExit(LIMIT);
      scene
          .judge()
          .wrong("unexpected", status == 0 ? 0 : 1, "redrive: " + status + second.output());
      scene.judge().awaitEffects(scene.members(), all);
      long left = scene.letters();
      scene.judge().wrong("stuck", left, left + " dead letters are left");
      return scene.result(
          name,
          String.format(
              "%d bodies of %d bytes, %d dead letters, heaps of %d and %d MiB",
              all, BODY_BYTES, letters, MEMBER_MEGABYTES, REDRIVE_MEGABYTES));
    }
  }
}
