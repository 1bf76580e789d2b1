package io.commslib.benchmarks.kafka;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.core.EngineCost;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.testkit.servers.KafkaServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Publishing and keyed consumption against the raw client and Confluent's parallel-consumer. */
public final class KafkaBenchmark implements Benchmark {

  private static final int KEYS = 10_000;
  private static final int RAW_THREADS = 1;
  private static final int NO_WORK_WORKERS = 8;

  /** The raw client with batches of the same size as the library's. */
  private static final String RAW_LARGE = "raw, batches of 128 KiB";

  /** The compression of all contenders, and the end of the keys of its figures. */
  private enum Compressed {
    NONE("none", ""),
    LZ4("lz4", "Lz4");

    private final String setting;
    private final String suffix;

    Compressed(String setting, String suffix) {
      this.setting = setting;
      this.suffix = suffix;
    }
  }

  private final List<ContenderProcess> processes = new ArrayList<>();
  private final Map<String, ContenderProcess> contenders = new LinkedHashMap<>();
  private final Map<String, Double> bytes = new LinkedHashMap<>();

  /** The best number of threads of parallel-consumer by the time that its handlers wait. */
  private final Map<Integer, Integer> bestThreads = new LinkedHashMap<>();

  private Compressed compression = Compressed.NONE;
  private boolean quick;
  private int records;
  private PrintStream out = System.out;

  @Override
  public String workload() {
    return "one broker, topics of 8 partitions, 1 KiB bodies that do not compress, "
        + KEYS
        + " keys; each contender in its own JVM, in turns. Publish: one thread publishes all"
        + " records, until the last is acknowledged (acks=all, idempotent; linger 5 ms, commslib 1 ms; batches of 16 KiB, the client's default, commslib"
        + " 128 KiB; raw with 128 KiB beside it)."
        + " Consume: a new group, from the first record handled to the last; handlers that do"
        + " nothing, and handlers that park for 1 ms and 10 ms. raw: a kafka-clients loop that commits"
        + " each poll. parallel-consumer: order KEY, the best of 64, 256 and 1,024 threads, without work also of 16."
        + " commslib: a pool on this JDK and virtual threads on JDK 25, order per key, each message"
        + " settled; the better of both counts. All contenders use the same compression: once none,"
        + " which is the library's default, and once lz4. The key of a figure with lz4 ends with Lz4.";
  }

  @Override
  public Map<String, Double> run(boolean quickRun, PrintStream print) throws Exception {
    quick = quickRun;
    out = print;
    records = quick ? 20_000 : 200_000;
    System.setProperty(KafkaServer.LONG_RUN_PROPERTY, "true");
    Map<String, Double> figures = new LinkedHashMap<>();
    try (KafkaServer server = KafkaServer.start()) {
      start(server.bootstrapServers());
      for (Compressed compressed : Compressed.values()) {
        out.println("compression: " + compressed.setting);
        measure(compressed, figures);
      }
      if (!quick) {
        smallHeap(server.bootstrapServers());
      }
    } finally {
      for (ContenderProcess process : processes) {
        process.close();
      }
    }
    // Last, when no other process runs on the machine.
    EngineCost.measure(quick, figures, out);
    return figures;
  }

  private void measure(Compressed compressed, Map<String, Double> figures) throws Exception {
    compression = compressed;
    String suffix = compressed.suffix;
    publish(figures);
    consume(figures);
    figures.put("vsParallelConsumer1ms" + suffix, withWork(1));
    figures.put("vsParallelConsumer10ms" + suffix, withWork(10));
  }

  private void start(String servers) throws IOException {
    Path here = Path.of(System.getProperty("java.home"));
    String ours = System.getProperty("java.class.path");
    contenders.put("raw", add(ContenderProcess.start(here, ours, "raw", servers)));
    contenders.put("pool", add(ContenderProcess.start(here, ours, "pool", servers)));
    Optional<Path> newer = Optional.ofNullable(System.getenv("COMMSLIB_JDK25")).map(Path::of);
    if (newer.isPresent()) {
      contenders.put("virtual", add(ContenderProcess.start(newer.get(), ours, "virtual", servers)));
    } else {
      out.println("  commslib on JDK 25: not run, no JDK 25 found");
    }
    String theirs = Files.readString(Path.of(System.getenv("COMMSLIB_PARALLEL_CONSUMER"))).strip();
    String own = ours.split(System.getProperty("path.separator"), 2)[0];
    contenders.put(
        "parallel-consumer",
        add(
            ContenderProcess.start(
                here,
                theirs + System.getProperty("path.separator") + own,
                "parallel-consumer",
                servers)));
  }

  private ContenderProcess add(ContenderProcess process) {
    processes.add(process);
    return process;
  }

  private ContenderTask published(String topic) {
    return ContenderTask.publish(named(topic), records, KEYS)
        .with("compression", compression.setting);
  }

  /** The JVMs are warm once they have run with the first compression. */
  private int warmUps(int first) {
    int most = compression == Compressed.NONE ? first : 3;
    return quick ? 1 : most;
  }

  private String named(String topic) {
    return topic + "-" + compression.setting;
  }

  private void publish(Map<String, Double> figures) throws Exception {
    Rounds rounds = new Rounds();
    Map<String, ProcessorTime> processors = new LinkedHashMap<>();
    int[] topic = {0};
    for (String name : List.of("raw", RAW_LARGE, "pool")) {
      ProcessorTime processor = new ProcessorTime();
      processors.put(name, processor);
      String contender = name.equals(RAW_LARGE) ? "raw" : name;
      rounds.contender(
          "publish, " + name,
          () -> {
            ContenderTask task =
                published("publish-" + contender + topic[0]++ % 2)
                    .with("batch", Integer.toString(name.equals(RAW_LARGE) ? 131_072 : 16_384));
            processor.begin();
            double perSecond = contenders.get(contender).run(task).perSecond();
            processor.end(records);
            return perSecond;
          });
    }
    // The library declares topics with 8 partitions; let it do so for the raw client too.
    contenders.get("pool").run(ContenderTask.publish(named("publish-raw0"), 1, 1));
    contenders.get("pool").run(ContenderTask.publish(named("publish-raw1"), 1, 1));
    int counted = quick ? 1 : 5;
    // The code of publishing is compiled to the end only after two million records.
    for (int i = 0; !quick && compression == Compressed.NONE && i < 8; i++) {
      contenders.get("pool").run(published("publish-pool0"));
      contenders.get("raw").run(published("publish-raw0"));
    }
    rounds.run(warmUps(3), counted).print(out, "records/s");
    double pool = processors.get("pool").nanosPerItem(counted) / 1_000;
    for (String name : List.of("raw", RAW_LARGE)) {
      double raw = processors.get(name).nanosPerItem(counted) / 1_000;
      out.printf(
          Locale.ROOT,
          "  processor time of client and broker: %s %.2f us/record, pool %.2f; that allows %.2f%n",
          name,
          raw,
          pool,
          raw / pool);
      String suffix = (name.equals(RAW_LARGE) ? "EqualBatches" : "") + compression.suffix;
      figures.put(
          "publishVsRaw" + suffix,
          rounds.median("publish, pool") / rounds.median("publish, " + name));
      figures.put("publishProcessorsAllow" + suffix, raw / pool);
    }
  }

  private void consume(Map<String, Double> figures) throws Exception {
    contenders.get("pool").run(published("work"));
    Rounds rounds = new Rounds();
    rounds.contender("consume, raw", () -> consumed("raw", 0, RAW_THREADS));
    rounds.contender("consume, commslib, pool", () -> consumed("pool", 0, NO_WORK_WORKERS));
    if (contenders.containsKey("virtual")) {
      rounds.contender("consume, commslib, virtual", () -> consumed("virtual", 0, NO_WORK_WORKERS));
    }
    int best = bestThreads(0);
    rounds.contender(
        "consume, parallel-consumer, " + best, () -> consumed("parallel-consumer", 0, best));
    // Without work a round is short: the compiler needs more of them.
    rounds.run(warmUps(5), quick ? 1 : 3).print(out, "records/s");
    double ours = best(rounds, "consume, commslib, ");
    String suffix = compression.suffix;
    figures.put("consumeVsRaw" + suffix, ours / rounds.median("consume, raw"));
    figures.put(
        "vsParallelConsumer0ms" + suffix,
        ours / rounds.median("consume, parallel-consumer, " + best));
    // The raw client copies each body out of its batch. The library leaves it there, within a
    // bound.
    figures.put("bytesPerRecord" + suffix, bytes.get("pool") - bytes.get("raw"));
    out.printf("  bytes per record: raw %.0f, pool %.0f%n", bytes.get("raw"), bytes.get("pool"));
  }

  private double best(Rounds rounds, String prefix) {
    double pool = rounds.median(prefix + "pool");
    return contenders.containsKey("virtual")
        ? Math.max(pool, rounds.median(prefix + "virtual"))
        : pool;
  }

  private double consumed(String contender, int millis, int threads) throws IOException {
    return consumed(contender, millis, threads, handled(millis));
  }

  private double consumed(String contender, int millis, int threads, int count) throws IOException {
    Contender.Figures figures =
        contenders.get(contender).run(ContenderTask.consume(named("work"), count, millis, threads));
    bytes.put(contender, figures.bytesPerRecord());
    return figures.perSecond();
  }

  /** Compression is no part of a handler's work, so the number is found once for both. */
  private int bestThreads(int millis) throws IOException {
    Integer known = bestThreads.get(millis);
    int best = known == null ? findBestThreads(millis) : known;
    bestThreads.put(millis, best);
    return best;
  }

  /** Tries each number of threads once after a warm-up; the counted rounds follow later. */
  private int findBestThreads(int millis) throws IOException {
    int best = 0;
    double bestRate = 0;
    // 16 threads that park for a millisecond handle at most 16,000 records a second.
    int[] few = {16, 64, 256, 1_024};
    for (int threads : quick ? new int[] {64} : millis == 0 ? few : new int[] {64, 256, 1_024}) {
      int tries = quick || millis > 0 ? 1 : 2;
      double rate = 0;
      for (int i = 0; i < tries; i++) {
        rate = Math.max(rate, consumed("parallel-consumer", millis, threads, records / 4));
      }
      out.printf("  parallel-consumer, %d ms, %d threads: %.0f records/s%n", millis, threads, rate);
      if (rate > bestRate) {
        bestRate = rate;
        best = threads;
      }
    }
    return best;
  }

  /** The records of a counted round: fewer if each takes a time that does not vary. */
  private int handled(int millis) {
    return millis == 0 ? records : records / 4;
  }

  private double withWork(int millis) throws Exception {
    int best = bestThreads(millis);
    Rounds rounds = new Rounds();
    String prefix = millis + " ms, commslib, ";
    String theirs = millis + " ms, parallel-consumer, " + best;
    rounds.contender(prefix + "pool", () -> consumed("pool", millis, best));
    if (contenders.containsKey("virtual")) {
      rounds.contender(prefix + "virtual", () -> consumed("virtual", millis, 1_000));
    }
    rounds.contender(theirs, () -> consumed("parallel-consumer", millis, best));
    rounds.run(quick ? 0 : 1, quick ? 1 : 2).print(out, "records/s");
    return best(rounds, prefix) / rounds.median(theirs);
  }

  /** A backlog of 10^6 records of 1 KiB in a heap of 128 MiB. */
  private void smallHeap(String servers) throws IOException {
    contenders.get("pool").run(ContenderTask.publish("backlog", 1_000_000, KEYS));
    Path here = Path.of(System.getProperty("java.home"));
    try (ContenderProcess small =
        ContenderProcess.start(
            here, System.getProperty("java.class.path"), "pool", servers, "-Xmx128m")) {
      double rate =
          small.run(ContenderTask.consume("backlog", 1_000_000, 0, NO_WORK_WORKERS)).perSecond();
      out.printf("  backlog of 1,000,000 records in a heap of 128 MiB: %.0f records/s%n", rate);
    }
  }
}
