package io.commslib.benchmarks.kafka;

import io.commslib.core.time.SystemRuntime;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** A contender in its own JVM: reads tasks, one per line, and answers each with its figures. */
public final class ContenderMain {

  /** The prefix of the line with the figures; other output of the clients is ignored. */
  static final String FIGURES = "figures ";

  private ContenderMain() {}

  /**
   * Runs until its input ends.
   *
   * @param arguments the kind of contender and the bootstrap servers
   */
  public static void main(String[] arguments) throws Exception {
    Contender contender = contender(arguments[0], arguments[1]);
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      ContenderTask task = ContenderTask.parse(line);
      Contender.Figures figures =
          task.verb().equals("publish") ? contender.publish(task) : contender.consume(task);
      System.out.println(FIGURES + figures.line());
    }
    System.exit(0);
  }

  private static Contender contender(String kind, String servers) {
    return switch (kind) {
      case "raw" -> new RawContender(servers);
      case "parallel-consumer" -> new ParallelConsumerContender(servers);
      case "pool" -> new CommslibContender(servers, SystemRuntime.platformThreads());
      case "virtual" -> new CommslibContender(servers, SystemRuntime.virtualThreads());
      default -> throw new IllegalArgumentException("contender: " + kind);
    };
  }
}
