package io.commslib.benchmarks.kafka;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.core.EngineCost;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.testkit.servers.KafkaServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Publishing and keyed consumption against the raw client and Confluent's parallel-consumer. */
public final class KafkaBenchmark implements Benchmark {

  private static final int KEYS = 10_000;
  private static final int RAW_THREADS = 1;
  private static final int NO_WORK_WORKERS = 8;

  private final List<ContenderProcess> processes = new ArrayList<>();
  private final Map<String, ContenderProcess> contenders = new LinkedHashMap<>();
  private final Map<String, Double> bytes = new LinkedHashMap<>();
  private boolean quick;
  private int records;
  private PrintStream out = System.out;

  @Override
  public String workload() {
    return "one broker, topics of 8 partitions, 1 KiB bodies that do not compress, "
        + KEYS
        + " keys; each contender in its own JVM, in turns. Publish: one thread publishes all"
        + " records, until the last is acknowledged (acks=all, idempotent, lz4; linger 5 ms, commslib 1 ms)."
        + " Consume: a new group, from the first record handled to the last; handlers that do"
        + " nothing, and handlers that park for 1 ms and 10 ms. raw: a kafka-clients loop that commits"
        + " each poll. parallel-consumer: order KEY, the best of 16, 64, 256 and 1,024 threads."
        + " commslib: a pool on this JDK and virtual threads on JDK 25, order per key, each message"
        + " settled; the better of both counts.";
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
      figures.put("publishVsRaw", publish());
      consume(figures);
      figures.put("vsParallelConsumer1ms", withWork(1));
      figures.put("vsParallelConsumer10ms", withWork(10));
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

  private double publish() throws Exception {
    Rounds rounds = new Rounds();
    int[] topic = {0};
    for (String name : List.of("raw", "pool")) {
      rounds.contender(
          "publish, " + name,
          () ->
              contenders
                  .get(name)
                  .run(ContenderTask.publish("publish-" + name + topic[0]++ % 2, records, KEYS))
                  .perSecond());
    }
    // The library declares topics with 8 partitions; let it do so for the raw client too.
    contenders.get("pool").run(ContenderTask.publish("publish-raw0", 1, 1));
    contenders.get("pool").run(ContenderTask.publish("publish-raw1", 1, 1));
    rounds.run(quick ? 1 : 2, quick ? 1 : 5).print(out, "records/s");
    return rounds.median("publish, pool") / rounds.median("publish, raw");
  }

  private void consume(Map<String, Double> figures) throws Exception {
    contenders.get("pool").run(ContenderTask.publish("work", records, KEYS));
    Rounds rounds = new Rounds();
    rounds.contender("consume, raw", () -> consumed("raw", 0, RAW_THREADS));
    rounds.contender("consume, commslib, pool", () -> consumed("pool", 0, NO_WORK_WORKERS));
    if (contenders.containsKey("virtual")) {
      rounds.contender("consume, commslib, virtual", () -> consumed("virtual", 0, NO_WORK_WORKERS));
    }
    int best = bestThreads(0);
    rounds.contender(
        "consume, parallel-consumer, " + best, () -> consumed("parallel-consumer", 0, best));
    rounds.run(quick ? 1 : 3, quick ? 1 : 5).print(out, "records/s");
    double ours = best(rounds, "consume, commslib, ");
    figures.put("consumeVsRaw", ours / rounds.median("consume, raw"));
    figures.put(
        "vsParallelConsumer0ms", ours / rounds.median("consume, parallel-consumer, " + best));
    figures.put("bytesPerRecord", bytes.get("pool") - bytes.get("raw"));
    out.printf("  bytes per record: raw %.0f, pool %.0f%n", bytes.get("raw"), bytes.get("pool"));
    uncompressed();
  }

  /** There the body is copied out of its fetch, as the raw client does. */
  private void uncompressed() throws IOException {
    contenders
        .get("pool")
        .run(ContenderTask.publish("plain", records, KEYS).with("compression", "none"));
    Map<String, Double> plain = new LinkedHashMap<>();
    for (String name : List.of("raw", "pool", "raw", "pool")) {
      plain.put(
          name,
          contenders.get(name).run(ContenderTask.consume("plain", records, 0, 8)).bytesPerRecord());
    }
    out.printf(
        "  bytes per record of uncompressed batches: raw %.0f, pool %.0f%n",
        plain.get("raw"), plain.get("pool"));
  }

  private double best(Rounds rounds, String prefix) {
    double pool = rounds.median(prefix + "pool");
    return contenders.containsKey("virtual")
        ? Math.max(pool, rounds.median(prefix + "virtual"))
        : pool;
  }

  private double consumed(String contender, int millis, int threads) throws IOException {
    int count = millis < 10 ? records : records / 2;
    Contender.Figures figures =
        contenders.get(contender).run(ContenderTask.consume("work", count, millis, threads));
    bytes.put(contender, figures.bytesPerRecord());
    return figures.perSecond();
  }

  /** Tries each number of threads once after a warm-up; the counted rounds follow later. */
  private int bestThreads(int millis) throws IOException {
    int best = 0;
    double bestRate = 0;
    for (int threads : quick ? new int[] {64} : new int[] {16, 64, 256, 1_024}) {
      int tries = quick ? 1 : 2;
      double rate = 0;
      for (int i = 0; i < tries; i++) {
        rate = Math.max(rate, consumed("parallel-consumer", millis, threads));
      }
      out.printf("  parallel-consumer, %d ms, %d threads: %.0f records/s%n", millis, threads, rate);
      if (rate > bestRate) {
        bestRate = rate;
        best = threads;
      }
    }
    return best;
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
    rounds.run(quick ? 0 : 1, quick ? 1 : 3).print(out, "records/s");
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
