package io.commslib.benchmarks.simulation;

import io.commslib.testkit.simulation.Simulation;
import io.commslib.testkit.simulation.Simulation.Model;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

/** {@code benchmarks/simulate [--schedules N] [--seed S] [--model kafka|rabbit]}. */
public final class SimulateMain {

  private static final int BLOCK = 10_000;
  private static final int SHOWN = 10;
  private static final String USAGE =
      """
      usage: benchmarks/simulate [--schedules N] [--seed S] [--model kafka|rabbit]
        --schedules N  number of schedules over all models (default: 1000000)
        --seed S       seed of the first schedule (default: 1)
        --model M      only the model of this broker (default: both)""";

  private long schedules = 1_000_000;
  private long firstSeed = 1;
  private List<Model> models = List.of(Model.values());

  private SimulateMain() {}

  public static void main(String[] arguments) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
    System.exit(new SimulateMain().run(System.out, System.err, arguments));
  }

  static int run(PrintStream out, PrintStream err, List<String> arguments) throws Exception {
    return new SimulateMain().run(out, err, arguments.toArray(String[]::new));
  }

  private int run(PrintStream out, PrintStream err, String[] arguments) throws Exception {
    if (List.of(arguments).contains("--help") || List.of(arguments).contains("-h")) {
      out.println(USAGE);
      return 0;
    }
    try {
      parse(arguments);
    } catch (IllegalArgumentException e) {
      err.println(e.getMessage());
      err.println(USAGE);
      return 2;
    }
    out.println(
        "workload: each schedule publishes 24 messages of 3 keys to 2 members with at least one"
            + " fault; the real engine with models of the brokers, on virtual time; first seed "
            + firstSeed);
    long start = System.nanoTime();
    long violations = 0;
    long[] traces = new long[0];
    for (Model model : models) {
      List<Simulation.Result> bad = new ArrayList<>();
      traces = concat(traces, simulate(model, schedules / models.size(), bad));
      violations += bad.size();
      bad.stream()
          .limit(SHOWN)
          .forEach(
              result ->
                  out.println(
                      "  " + model + " seed " + result.seed() + ": " + result.violations()));
      out.printf(
          Locale.ROOT,
          "  %-7s %d schedules, %d with violations%n",
          model,
          schedules / models.size(),
          bad.size());
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    long distinct = Arrays.stream(traces).sorted().distinct().count();
    out.printf(
        Locale.ROOT,
        "{\"schedules\":%d,\"distinctTraces\":%d,\"violations\":%d,\"seconds\":%.1f}%n",
        traces.length,
        distinct,
        violations,
        seconds);
    return violations == 0 ? 0 : 1;
  }

  private void parse(String[] arguments) {
    for (int i = 0; i < arguments.length; i += 2) {
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(
            arguments[i] + ": no value (expected: one after the option)");
      }
      String value = arguments[i + 1];
      switch (arguments[i]) {
        case "--schedules" -> schedules = number(arguments[i], value);
        case "--seed" -> firstSeed = number(arguments[i], value);
        case "--model" -> models = List.of(model(value));
        default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
      }
    }
    if (schedules < 1 || schedules > 100_000_000) {
      throw new IllegalArgumentException("schedules: " + schedules + " (expected: 1..100000000)");
    }
  }

  private static long number(String name, String value) {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: a whole number)", e);
    }
  }

  private static Model model(String value) {
    for (Model model : Model.values()) {
      if (model.name().equalsIgnoreCase(value)) {
        return model;
      }
    }
    throw new IllegalArgumentException("--model: " + value + " (expected: kafka or rabbit)");
  }

  private long[] simulate(Model model, long count, List<Simulation.Result> bad) throws Exception {
    Simulation simulation = Simulation.of(model);
    ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      List<Future<long[]>> blocks = new ArrayList<>();
      for (long from = 0; from < count; from += BLOCK) {
        long first = firstSeed + from;
        long end = firstSeed + Math.min(count, from + BLOCK);
        blocks.add(
            pool.submit(
                () ->
                    LongStream.range(first, end)
                        .mapToObj(simulation::run)
                        .peek(
                            result -> {
                              if (!result.violations().isEmpty()) {
                                synchronized (bad) {
                                  bad.add(result);
                                }
                              }
                            })
                        .mapToLong(Simulation.Result::trace)
                        .toArray()));
      }
      long[] traces = new long[0];
      List<long[]> parts = new ArrayList<>();
      for (Future<long[]> block : blocks) {
        parts.add(block.get());
      }
      for (long[] part : parts) {
        traces = part.length == 0 ? traces : concat(traces, part);
      }
      return traces;
    } finally {
      pool.shutdownNow();
    }
  }

  private static long[] concat(long[] some, long[] more) {
    long[] all = Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }
}
