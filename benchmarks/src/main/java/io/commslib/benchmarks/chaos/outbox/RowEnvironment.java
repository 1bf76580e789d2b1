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
 * On what and how much a row runs.
 *
 * @param kind of database
 * @param seed of everything random
 * @param size how much
 * @param saboteur what is done wrong on purpose
 */
record RowEnvironment(ChaosDatabase.Kind kind, long seed, Size size, OutboxSaboteur saboteur) {

  /** A part of a row, in a system of its own. */
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

  /** Runs worlds, some at a time; most of their time goes into waiting for leases. */
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
