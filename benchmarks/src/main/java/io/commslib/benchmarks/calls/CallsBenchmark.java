package io.commslib.benchmarks.calls;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.core.ContextCost;
import io.commslib.benchmarks.measure.AllocatedBytes;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.time.SystemRuntime;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The cost of a protected call against Resilience4j and Failsafe, the load of retries, and the
 * calls answered under overload.
 */
public final class CallsBenchmark implements Benchmark {

  private static final String OURS = "commslib";
  private static final String R4J = "Resilience4j";
  private static final String FAILSAFE = "Failsafe";

  /** Multiples of what the server can carry; the last one is the overload. */
  private static final double[] LOADS = {0.5, 0.8, 0.9, 1, 1.2, 1.5, 2, 5, 10};

  private final Map<String, Double> figures = new LinkedHashMap<>();

  /** Keeps the compiler from removing the work. */
  private final AtomicLong sum = new AtomicLong();

  @Override
  public String workload() {
    return "a call that adds two numbers, with all defaults and a rate limiter, against"
        + " Retry(CircuitBreaker(RateLimiter(Bulkhead))) of Resilience4j and the same four of"
        + " Failsafe: processor time of the calling threads per call, with 1 and with 4 threads, in"
        + " turns in one process, median of the rounds' ratios. Storm: three services with three"
        + " attempts each and a backend that always fails, under virtual time: calls that reach the"
        + " backend for each call of a user, with the defaults and without budget, breaker and stop"
        + " signal. HTTP: GET of 1 KiB with 1 and 32 in flight, against the bare client's send in the"
        + " same process, whose server and clients share the processors. Server: POST of 1 KiB that"
        + " is answered with 1 KiB, 32 in flight, routes against a bare handler of the JDK's server:"
        + " calls per second of processor time of the threads that serve. Hops: time from a deadline"
        + " of 100 ms until the caller has its error, over three hops of which the last one hangs,"
        + " and with a body that stalls. Engine: records of 1 KiB"
        + " through the delivery engine with a handler that does nothing, against the same engine that"
        + " opens no context around it: processor time of all threads per record, in turns."
        + " Overload: a server with 8 workers, exponentially distributed service times of"
        + " 20 ms, and callers that wait for 250 ms, under virtual time: calls answered in time at"
        + " 10 times the load that it can carry, as a share of the peak over all loads, with the"
        + " adaptive limit and without it; the same once on a real server.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      pipeline(contenders(runtime), 1, "", quick, out);
      pipeline(contenders(runtime), 4, "FourThreads", quick, out);
      bytes(contenders(runtime), quick, out);
    }
    HttpRounds.setNoDelay();
    try (HttpRounds http = new HttpRounds()) {
      http.run(quick, out, figures);
    }
    try (ServerRounds server = new ServerRounds()) {
      server.run(quick, out, figures);
    }
    try (HopDeadlines hops = new HopDeadlines()) {
      hops.run(quick, out, figures);
    }
    int calls = quick ? 1_000 : 20_000;
    figures.put("stormLoad", new RetryStorm(true).load(calls));
    figures.put("stormLoadUnbudgeted", new RetryStorm(false).load(calls));
    ContextCost.measure(quick, figures, out);
    figures.put("overloadGoodput", overload(true, quick, out));
    figures.put("overloadGoodputUnlimited", overload(false, quick, out));
    try (HttpOverload http = new HttpOverload()) {
      figures.put("overloadGoodputHttp", http.run(quick, out));
    }
    return figures;
  }

  /** New ones for each measurement, since their rate limiters spend their bursts. */
  private static Map<String, Pipeline> contenders(SystemRuntime runtime) {
    Map<String, Pipeline> contenders = new LinkedHashMap<>();
    contenders.put(OURS, Pipelines.commslib(runtime));
    contenders.put(R4J, Pipelines.resilience4j());
    contenders.put(FAILSAFE, Pipelines.failsafe());
    return contenders;
  }

  /** Returns the goodput at the highest load as a share of the peak. */
  private static double overload(boolean limited, boolean quick, PrintStream out) {
    Duration warmUp = Duration.ofSeconds(quick ? 5 : 30);
    Duration measured = Duration.ofSeconds(quick ? 10 : 120);
    double peak = 0;
    double last = 0;
    StringBuilder line = new StringBuilder();
    for (double load : LOADS) {
      last = new Overload(limited, 1).goodput(load, warmUp, measured);
      peak = Math.max(peak, last);
      line.append(String.format(Locale.ROOT, "  %.1fx: %.2f", load, last));
    }
    out.println("  goodput by load, " + (limited ? "adaptive limit:" : "no limit:      ") + line);
    return last / peak;
  }

  private void pipeline(
      Map<String, Pipeline> contenders, int threads, String suffix, boolean quick, PrintStream out)
      throws Exception {
    // All rounds together stay within the burst of the limiters.
    int calls = quick ? 20_000 : 500_000;
    Rounds rounds = new Rounds();
    contenders.forEach(
        (name, pipeline) ->
            rounds.contender(name + ", threads " + threads, () -> nanos(pipeline, threads, calls)));
    rounds.run(quick ? 1 : 4, quick ? 3 : 15).print(out, "CPU ns/call");
    String ours = OURS + ", threads " + threads;
    figures.put(
        "pipelineVsResilience4j" + suffix, rounds.ratio(ours, R4J + ", threads " + threads));
    figures.put(
        "pipelineVsFailsafe" + suffix, rounds.ratio(ours, FAILSAFE + ", threads " + threads));
  }

  /** Returns the processor time per call of the threads that call. */
  private double nanos(Pipeline pipeline, int threads, int calls) throws InterruptedException {
    AtomicLong nanos = new AtomicLong();
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread thread =
          new Thread(
              () -> {
                long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
                sum.addAndGet(calls(pipeline, calls / threads));
                nanos.addAndGet(
                    ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before);
              });
      all.add(thread);
      thread.start();
    }
    for (Thread thread : all) {
      thread.join();
    }
    return nanos.get() / (double) (calls / threads * threads);
  }

  private static long calls(Pipeline pipeline, int calls) {
    long result = 0;
    for (int i = 0; i < calls; i++) {
      result += pipeline.call(i);
    }
    return result;
  }

  private void bytes(Map<String, Pipeline> contenders, boolean quick, PrintStream out) {
    int calls = quick ? 20_000 : 1_000_000;
    contenders.forEach(
        (name, pipeline) -> {
          long before = AllocatedBytes.ofThisThread();
          sum.addAndGet(calls(pipeline, calls));
          double each = (AllocatedBytes.ofThisThread() - before) / (double) calls;
          out.printf("  %s: %.0f bytes per call%n", name, each);
          if (name.equals(OURS)) {
            // The measurement allocates a few hundred bytes itself.
            figures.put("pipelineBytes", Math.rint(each * 10) / 10);
          }
        });
  }
}
