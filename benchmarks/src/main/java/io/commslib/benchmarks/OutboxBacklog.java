package io.commslib.benchmarks;

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Drains a small and a huge backlog with a relay in a child JVM of 256 MiB; {@link #main} is that
 * child.
 */
final class OutboxBacklog {

  private static final String RESULT = "result ";

  /** Nanoseconds per row of a backlog of 10,000 and of the large one. */
  record Costs(double small, double large) {}

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
          costs = new Costs(Double.parseDouble(parts[0]), Double.parseDouble(parts[1]));
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
    try (OutboxTestbed bed = new OutboxTestbed(arguments[0], arguments[1], arguments[2])) {
      CountingSink sink = new CountingSink();
      for (int i = 0; i < 5; i++) {
        bed.drain(10_000, sink);
      }
      double[] small = new double[9];
      for (int i = 0; i < small.length; i++) {
        small[i] = 1e9 / bed.drain(10_000, sink);
      }
      double huge = 1e9 / bed.drain(large, sink);
      for (int i = small.length / 2; i < small.length; i++) {
        small[i] = 1e9 / bed.drain(10_000, sink);
      }
      Arrays.sort(small);
      System.out.printf(Locale.ROOT, RESULT + "%f %f%n", small[small.length / 2], huge);
    }
    System.exit(0);
  }
}
