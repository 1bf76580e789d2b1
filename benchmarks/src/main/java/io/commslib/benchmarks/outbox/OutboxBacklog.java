package io.commslib.benchmarks.outbox;

import io.commslib.benchmarks.measure.CountingSink;
import io.commslib.benchmarks.measure.Rounds;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Drains a small and a large backlog with a relay in a child JVM of 256 MiB, and with the raw loop;
 * {@link #main} is the child's main method.
 */
final class OutboxBacklog {

  private static final String RESULT = "result ";
  private static final String RELAY = "relay";
  private static final String FLOOR = "floor";
  private static final int SMALL = 10_000;
  private static final int WARM_UPS = 15;
  private static final int ROUNDS = 9;

  /** Nanoseconds per row for a backlog of 10,000 rows and for the large one, of relay and floor. */
  record Costs(double small, double large, double floorSmall, double floorLarge) {}

  private OutboxBacklog() {}

  static Costs inChild(String jdbcUrl, String user, String password, int large) throws Exception {
    List<String> command =
        List.of(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "-Xmx256m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            System.getProperty("java.class.path"),
            OutboxBacklog.class.getName(),
            jdbcUrl,
            user,
            password,
            Integer.toString(large));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (BufferedReader output =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      Costs costs = null;
      StringBuilder all = new StringBuilder();
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        all.append(line).append('\n');
        if (line.startsWith(RESULT)) {
          String[] parts = line.substring(RESULT.length()).split(" ");
          double[] numbers = Arrays.stream(parts).mapToDouble(Double::parseDouble).toArray();
          costs = new Costs(numbers[0], numbers[1], numbers[2], numbers[3]);
        }
      }
      int exit = child.waitFor();
      if (exit != 0 || costs == null) {
        throw new IllegalStateException("child JVM ended with " + exit + ":\n" + all);
      }
      return costs;
    } finally {
      child.destroyForcibly();
    }
  }

  public static void main(String[] arguments) throws Exception {
    int large = Integer.parseInt(arguments[3]);
    try (OutboxTestbed testbed = new OutboxTestbed(arguments[0], arguments[1], arguments[2])) {
      CountingSink sink = new CountingSink();
      RawOutbox raw = new RawOutbox(testbed);
      // Many rounds, since each is short; before, between and after the large ones, since the
      // machine's speed varies.
      Rounds small = new Rounds().contender(RELAY, () -> cost(testbed.drain(SMALL, sink)));
      small.contender(FLOOR, () -> cost(raw.drain(SMALL)));
      small.run(WARM_UPS, ROUNDS);
      double huge = cost(testbed.drain(large, sink));
      small.run(0, ROUNDS);
      double hugeFloor = cost(raw.drain(large));
      small.run(0, ROUNDS);
      System.out.printf(
          Locale.ROOT,
          RESULT + "%f %f %f %f%n",
          small.median(RELAY),
          huge,
          small.median(FLOOR),
          hugeFloor);
    }
    System.exit(0);
  }

  private static double cost(double rowsPerSecond) {
    return 1e9 / rowsPerSecond;
  }
}
