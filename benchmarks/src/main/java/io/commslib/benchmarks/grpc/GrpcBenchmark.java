package io.commslib.benchmarks.grpc;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.measure.AllocatedBytes;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.time.SystemRuntime;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.stub.ClientCalls;
import java.io.PrintStream;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** The cost of a protected call over gRPC against a bare stub with a deadline. */
public final class GrpcBenchmark implements Benchmark {

  private final Map<String, Double> figures = new LinkedHashMap<>();

  @Override
  public String workload() {
    return "unary calls of 1 KiB with a deadline, answered with 1 KiB by a bare server in the same"
        + " process, over netty-shaded: a protected channel with all defaults against a bare one,"
        + " and printed beside them a bare one with gRPC's own retry policy; with 1 in flight by a"
        + " blocking stub and with 64 by an asynchronous one, with the default executors and with"
        + " direct ones, one thread of I/O for the server and one for the channels. Calls per second"
        + " and processor time of the process per call, in turns,"
        + " median of the rounds' ratios. Where the rounds of 1 in flight spread by more than 10 %,"
        + " the ratio of processor time decides. Streams of 1,000 messages of 1 KiB, messages per"
        + " second. Bytes allocated by all threads per call beyond those of the bare channel."
        + " Split: 90/10 over two subsets, 10,000 calls, the worst of 20 seeds. Balancing: three"
        + " backends of 4 workers, which wait for 5, 5 and 50 ms, and 32 callers in a closed loop"
        + " for 20 s: 99th percentile of all calls against round robin, failures counted as the"
        + " deadline.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        UnaryCalls calls = new UnaryCalls(runtime, false);
        UnaryCalls direct = new UnaryCalls(runtime, true)) {
      unary(calls.measure(UnaryCalls.MANY, quick, out), "unaryVsRaw64", "unaryProcessorVsRaw64");
      // Last of the two: a few thousand calls alone are not enough for the compiler.
      unary(calls.measure(1, quick, out), "unaryVsRaw1", "unaryProcessorVsRaw1");
      stream(calls.channels(), quick, out);
      bytes(calls.channels(), quick, out);
      unary(
          direct.measure(UnaryCalls.MANY, quick, out),
          "unaryVsRawDirect64",
          "unaryProcessorVsRawDirect64");
      new Balancing(runtime).run(quick, out, figures);
    }
    return figures;
  }

  private void unary(UnaryCalls.Figures measured, String throughput, String processor) {
    figures.put(throughput, measured.throughput());
    figures.put(processor, measured.processor());
  }

  private void stream(Map<String, Channel> contenders, boolean quick, PrintStream out)
      throws Exception {
    int streams = quick ? 2 : 30;
    Rounds rounds = new Rounds();
    contenders.forEach(
        (name, channel) -> rounds.contender(name + ", stream", () -> messages(channel, streams)));
    rounds.run(quick ? 1 : 3, quick ? 1 : 9).print(out, "messages/s");
    figures.put(
        "streamVsRaw", rounds.ratio(UnaryCalls.OURS + ", stream", UnaryCalls.BARE + ", stream"));
  }

  private static double messages(Channel channel, int streams) {
    long start = System.nanoTime();
    for (int i = 0; i < streams; i++) {
      Iterator<byte[]> answers =
          ClientCalls.blockingServerStreamingCall(
              channel, EchoServer.STREAM, CallOptions.DEFAULT, UnaryLoad.BODY);
      int count = 0;
      while (answers.hasNext()) {
        answers.next();
        count++;
      }
      if (count != EchoServer.MESSAGES) {
        throw new IllegalStateException("messages: " + count);
      }
    }
    return streams * EchoServer.MESSAGES * 1e9 / (System.nanoTime() - start);
  }

  private void bytes(Map<String, Channel> contenders, boolean quick, PrintStream out)
      throws Exception {
    int calls = quick ? 200 : 10_000;
    Map<String, Double> bytes = new LinkedHashMap<>();
    for (Map.Entry<String, Channel> each : contenders.entrySet()) {
      Callable<Double> load = UnaryLoad.measure(each.getValue(), 1, calls, new ProcessorTime());
      load.call();
      Map<Long, Long> before = AllocatedBytes.byThread();
      load.call();
      double perCall = AllocatedBytes.since(before) / (double) calls;
      out.printf(Locale.ROOT, "  %s: %.0f bytes per call%n", each.getKey(), perCall);
      bytes.put(each.getKey(), perCall);
    }
    figures.put("bytesPerCall", bytes.get(UnaryCalls.OURS) - bytes.get(UnaryCalls.BARE));
  }
}
