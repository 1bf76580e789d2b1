package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions.Size;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The environment and the amount of work of a row.
 *
 * @param kind the kind of database
 * @param seed the seed of all random choices
 * @param size the amount of work
 * @param saboteur the deliberate fault
 */
record RowEnvironment(ChaosDatabase.Kind kind, long seed, Size size, OutboxSaboteur saboteur) {

  /** A part of a row, on its own system. */
  interface RowPart {
    OutboxRowResult run(int number) throws Exception;
  }

  ChaosDatabase database() throws IOException {
    return kind.start(Map.of());
  }

  int bySize(int quick, int usual, int full) {
    return switch (size) {
      case QUICK -> quick;
      case USUAL -> usual;
      case FULL -> full;
    };
  }

  /** Runs parts in parallel, since they mostly wait for leases. */
  static OutboxRowResult inParallel(int count, int atOnce, RowPart row) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(Math.min(count, atOnce));
    try {
      List<Future<OutboxRowResult>> parts = new ArrayList<>();
      for (int number = 0; number < count; number++) {
        int own = number;
        parts.add(threads.submit(() -> row.run(own)));
      }
      OutboxRowResult sum = parts.get(0).get();
      for (Future<OutboxRowResult> part : parts.subList(1, count)) {
        sum = sum.plus(part.get());
      }
      return sum;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      threads.shutdownNow();
    }
  }
}
