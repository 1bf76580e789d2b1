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
record RowEnvironment(ChaosDatabase.Kind kind, long seed, Size size, Saboteur saboteur) {

  /** A part of a row, in a world of its own. */
  interface World {
    WorldResult run(int number) throws Exception;
  }

  ChaosDatabase database() throws IOException {
    return kind.start(Map.of());
  }

  int choose(int quick, int usual, int full) {
    return switch (size) {
      case QUICK -> quick;
      case USUAL -> usual;
      case FULL -> full;
    };
  }

  /** Runs worlds, some at a time; most of their time goes into waiting for leases. */
  static WorldResult inParallel(int worlds, int atOnce, World world) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(Math.min(worlds, atOnce));
    try {
      List<Future<WorldResult>> parts = new ArrayList<>();
      for (int number = 0; number < worlds; number++) {
        int own = number;
        parts.add(threads.submit(() -> world.run(own)));
      }
      WorldResult sum = parts.get(0).get();
      for (Future<WorldResult> part : parts.subList(1, worlds)) {
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
