package io.commslib.benchmarks.compare;

import io.commslib.benchmarks.kafka.KafkaSide;
import io.commslib.benchmarks.outbox.OutboxTestbed;
import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.function.ToDoubleFunction;

/**
 * {@code benchmarks/compare REVISION SCENARIO... [--pairs N]}: compares the state of a revision
 * with this one, in alternation on one server. Each pair has two fresh JVMs, since JIT compilation
 * of the same code differs between JVMs. A pair's figure is the median of its rounds.
 */
public final class CompareMain {

  private static final int PAIRS = 5;
  private static final int MAX_PAIRS = 100;
  private static final int WARM_UPS = 3;
  private static final int ROUNDS = 3;

  /** The two sides' medians of a pair. */
  private record Pair(Side.Cost before, Side.Cost now) {

    double ratio(ToDoubleFunction<Side.Cost> figure) {
      return figure.applyAsDouble(now) / figure.applyAsDouble(before);
    }
  }

  private interface Sides {
    Side start(String classPath, String name) throws Exception;
  }

  private CompareMain() {}

  public static void main(String[] arguments) throws Exception {
    System.exit(run(System.out, System.err, arguments));
  }

  /** The first argument is the class path of the revision, built by the script. */
  static int run(PrintStream out, PrintStream err, String... arguments) throws Exception {
    List<String> words = new ArrayList<>(Arrays.asList(arguments));
    int pairs = PAIRS;
    int option = words.indexOf("--pairs");
    if (option > 0) {
      String text = option + 1 < words.size() ? words.get(option + 1) : "none";
      if (!text.matches("[1-9][0-9]?|" + MAX_PAIRS)) {
        err.println("--pairs: " + text + " (expected: 1.." + MAX_PAIRS + ")");
        return 2;
      }
      pairs = Integer.parseInt(text);
      words.subList(option, option + 2).clear();
    }
    List<String> named = words.subList(Math.min(1, words.size()), words.size());
    if (named.isEmpty() || named.stream().anyMatch(word -> Scenario.of(word).isEmpty())) {
      err.println(
          "scenarios: "
              + named
              + " (expected: some of "
              + Arrays.stream(Scenario.values()).map(Scenario::word).toList()
              + ")");
      return 2;
    }
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
    StringJoiner json = new StringJoiner(",", "{", "}");
    for (String word : named) {
      out.println(word + ":");
      print(word, measure(Scenario.of(word).orElseThrow(), words.get(0), pairs, out), out, json);
    }
    out.println(json);
    return 0;
  }

  private static List<Pair> measure(Scenario scenario, String revision, int pairs, PrintStream out)
      throws Exception {
    if (!scenario.isOnKafka()) {
      try (PostgresServer server = PostgresServer.start(OutboxTestbed.serverSettings())) {
        return pairs(
            scenario,
            revision,
            pairs,
            out,
            (classPath, name) ->
                DatabaseSide.start(
                    classPath, server.createDatabase(name), server.user(), server.password()));
      }
    }
    System.setProperty(KafkaServer.LONG_RUN_PROPERTY, "true");
    try (KafkaServer server = KafkaServer.start()) {
      String servers = server.bootstrapServers();
      try (KafkaSide first = KafkaSide.start(ownClassPath(), servers, "backlog")) {
        first.publishBacklog(Scenario.CONSUME.items());
      }
      return pairs(
          scenario,
          revision,
          pairs,
          out,
          (classPath, name) -> KafkaSide.start(classPath, servers, name));
    }
  }

  private static String ownClassPath() {
    return System.getProperty("java.class.path");
  }

  private static List<Pair> pairs(
      Scenario scenario, String revision, int pairs, PrintStream out, Sides sides)
      throws Exception {
    List<Pair> measured = new ArrayList<>();
    for (int number = 1; number <= pairs; number++) {
      try (Side before = sides.start(revision, "before" + number);
          Side now = sides.start(ownClassPath(), "now" + number)) {
        Pair pair = pair(scenario, before, now);
        measured.add(pair);
        out.printf(
            Locale.ROOT,
            "pair %d: %.0f and %.0f per second, %.0f and %.0f ns of processor time, %.0f and %.0f bytes%n",
            number,
            pair.before().perSecond(),
            pair.now().perSecond(),
            pair.before().processorNanos(),
            pair.now().processorNanos(),
            pair.before().bytes(),
            pair.now().bytes());
      }
    }
    return measured;
  }

  private static Pair pair(Scenario scenario, Side before, Side now) throws Exception {
    List<Side.Cost> costsBefore = new ArrayList<>();
    List<Side.Cost> costsNow = new ArrayList<>();
    for (int round = 0; round < WARM_UPS + ROUNDS; round++) {
      // In turns, so that neither always follows the other.
      boolean beforeFirst = round % 2 == 0;
      Side.Cost first = (beforeFirst ? before : now).round(scenario);
      Side.Cost second = (beforeFirst ? now : before).round(scenario);
      if (round >= WARM_UPS) {
        costsBefore.add(beforeFirst ? first : second);
        costsNow.add(beforeFirst ? second : first);
      }
    }
    return new Pair(median(costsBefore), median(costsNow));
  }

  private static Side.Cost median(List<Side.Cost> costs) {
    return new Side.Cost(
        middle(costs, Side.Cost::perSecond),
        middle(costs, Side.Cost::processorNanos),
        middle(costs, Side.Cost::bytes));
  }

  private static <T> double middle(List<T> of, ToDoubleFunction<T> figure) {
    return sorted(of, figure)[of.size() / 2];
  }

  private static <T> double[] sorted(List<T> of, ToDoubleFunction<T> figure) {
    return of.stream().mapToDouble(figure).sorted().toArray();
  }

  private static void print(String word, List<Pair> pairs, PrintStream out, StringJoiner json) {
    figure(word, "rate", Side.Cost::perSecond, pairs, out, json);
    figure(word, "processor", Side.Cost::processorNanos, pairs, out, json);
    if (pairs.stream().allMatch(pair -> pair.before().bytes() > 0)) {
      figure(word, "bytes", Side.Cost::bytes, pairs, out, json);
    }
  }

  private static void figure(
      String word,
      String name,
      ToDoubleFunction<Side.Cost> of,
      List<Pair> pairs,
      PrintStream out,
      StringJoiner json) {
    double[] before = sorted(pairs, pair -> of.applyAsDouble(pair.before()));
    double[] ratios = sorted(pairs, pair -> pair.ratio(of));
    int middle = pairs.size() / 2;
    out.printf(
        Locale.ROOT,
        "%-10s before %.1f [%.1f..%.1f], now %.1f, ratio of the pairs %.3f [%.3f..%.3f]%n",
        name,
        before[middle],
        before[0],
        before[before.length - 1],
        middle(pairs, pair -> of.applyAsDouble(pair.now())),
        ratios[middle],
        ratios[0],
        ratios[ratios.length - 1]);
    json.add(String.format(Locale.ROOT, "\"%s.%sRatio\":%.3f", word, name, ratios[middle]));
  }
}
