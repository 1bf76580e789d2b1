package io.commslib.benchmarks.grpc;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.measure.AllocatedBytes;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.grpc.GrpcCalls;
import io.commslib.resilience.Resilience;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** The cost of a protected call over gRPC against a bare stub with a deadline. */
public final class GrpcBenchmark implements Benchmark {

  private static final int MANY = 64;
  private static final String OURS = "commslib";
  private static final String BARE = "bare channel";
  private static final String NATIVE = "channel with a retry policy";

  private final Map<String, Double> figures = new LinkedHashMap<>();
  private final List<ManagedChannel> channels = new ArrayList<>();

  @Override
  public String workload() {
    return "unary calls of 1 KiB with a deadline, answered with 1 KiB by a bare server in the same"
        + " process, over netty-shaded: a protected channel with all defaults against a bare one,"
        + " and printed beside them a bare one with gRPC's own retry policy; with 1 in flight by a"
        + " blocking stub and with 64 by an asynchronous one, with the default executors and with"
        + " direct ones. Calls per second and processor time of the process per call, in turns,"
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
        Resilience resilience =
            Resilience.builder(runtime)
                .defaults(CallPolicy.builder().maxInFlight(2 * MANY).build())
                .build();
        EchoServer server = new EchoServer(false);
        EchoServer direct = new EchoServer(true)) {
      Map<String, Channel> contenders = contenders(server, resilience, false);
      unary(contenders, 1, "unaryVsRaw1", "unaryProcessorVsRaw1", quick, out);
      unary(contenders, MANY, "unaryVsRaw64", "unaryProcessorVsRaw64", quick, out);
      stream(contenders, quick, out);
      bytes(contenders, quick, out);
      unary(
          contenders(direct, resilience, true),
          MANY,
          "unaryVsRawDirect64",
          "unaryProcessorVsRawDirect64",
          quick,
          out);
      new Balancing(runtime).run(quick, out, figures);
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
    return figures;
  }

  private Map<String, Channel> contenders(
      EchoServer server, Resilience resilience, boolean direct) {
    Map<String, Channel> contenders = new LinkedHashMap<>();
    contenders.put(OURS, built(GrpcCalls.protect(server.channel(), resilience, "echo"), direct));
    contenders.put(BARE, built(server.channel(), direct));
    contenders.put(NATIVE, built(server.channel().defaultServiceConfig(retryPolicy()), direct));
    return contenders;
  }

  private Channel built(ManagedChannelBuilder<?> builder, boolean direct) {
    ManagedChannel channel = direct ? builder.directExecutor().build() : builder.build();
    channels.add(channel);
    return channel;
  }

  private static Map<String, ?> retryPolicy() {
    return Map.of(
        "methodConfig",
        List.of(
            Map.of(
                "name",
                List.of(Map.of()),
                "retryPolicy",
                Map.of(
                    "maxAttempts",
                    3.0,
                    "initialBackoff",
                    "0.05s",
                    "maxBackoff",
                    "2s",
                    "backoffMultiplier",
                    2.0,
                    "retryableStatusCodes",
                    List.of("UNAVAILABLE")))));
  }

  private void unary(
      Map<String, Channel> contenders,
      int inFlight,
      String figure,
      String processor,
      boolean quick,
      PrintStream out)
      throws Exception {
    int calls = quick ? 200 : inFlight == 1 ? 3_000 : 20_000;
    int counted = quick ? 1 : 9;
    Rounds rounds = new Rounds();
    Map<String, ProcessorTime> times = new LinkedHashMap<>();
    contenders.forEach(
        (name, channel) -> {
          ProcessorTime time = new ProcessorTime();
          times.put(name, time);
          rounds.contender(
              name + ", " + inFlight, UnaryLoad.measure(channel, inFlight, calls, time));
        });
    rounds.run(quick ? 1 : 3, counted).print(out, "calls/s");
    Map<String, Double> micros = new LinkedHashMap<>();
    times.forEach((name, time) -> micros.put(name, time.nanosPerItem(counted) / 1e3));
    micros.forEach(
        (name, each) -> out.printf(Locale.ROOT, "  %-42s processor %8.1f us/call%n", name, each));
    out.printf(
        Locale.ROOT,
        "  %s against %s: %.3fx%n",
        NATIVE,
        BARE,
        rounds.ratio(NATIVE + ", " + inFlight, BARE + ", " + inFlight));
    figures.put(figure, rounds.ratio(OURS + ", " + inFlight, BARE + ", " + inFlight));
    figures.put(processor, micros.get(OURS) / micros.get(BARE));
  }

  private void stream(Map<String, Channel> contenders, boolean quick, PrintStream out)
      throws Exception {
    int streams = quick ? 2 : 30;
    Rounds rounds = new Rounds();
    contenders.forEach(
        (name, channel) -> rounds.contender(name + ", stream", () -> messages(channel, streams)));
    rounds.run(quick ? 1 : 3, quick ? 1 : 9).print(out, "messages/s");
    figures.put("streamVsRaw", rounds.ratio(OURS + ", stream", BARE + ", stream"));
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
    figures.put("bytesPerCall", bytes.get(OURS) - bytes.get(BARE));
  }
}
