package io.commslib.benchmarks.grpc;

import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.CommsRuntime;
import io.commslib.grpc.GrpcCalls;
import io.commslib.resilience.Resilience;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Unary calls over three channels to one server, in turns. */
final class UnaryCalls implements AutoCloseable {

  static final int MANY = 64;
  static final String OURS = "commslib";
  static final String BARE = "bare channel";
  private static final String NATIVE = "channel with a retry policy";

  private final Resilience resilience;
  private final EchoServer server;
  private final Map<String, ManagedChannel> channels = new LinkedHashMap<>();

  /** The protected channel against the bare one. */
  record Figures(double throughput, double processor) {}

  UnaryCalls(CommsRuntime runtime, boolean isDirect) throws IOException {
    this.resilience =
        Resilience.builder(runtime)
            .defaults(CallPolicy.builder().maxInFlight(2 * MANY).build())
            .build();
    this.server = new EchoServer(isDirect);
    add(OURS, GrpcCalls.protect(server.channel(), resilience, "echo"), isDirect);
    add(BARE, server.channel(), isDirect);
    add(NATIVE, server.channel().defaultServiceConfig(retryPolicy()), isDirect);
  }

  private void add(String name, ManagedChannelBuilder<?> builder, boolean isDirect) {
    channels.put(name, isDirect ? builder.directExecutor().build() : builder.build());
  }

  Map<String, Channel> channels() {
    return new LinkedHashMap<>(channels);
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

  Figures measure(int inFlight, boolean quick, PrintStream out) throws Exception {
    int calls = quick ? 200 : inFlight == 1 ? 3_000 : 20_000;
    int counted = quick ? 1 : 9;
    Rounds rounds = new Rounds();
    Map<String, ProcessorTime> times = new LinkedHashMap<>();
    channels.forEach(
        (name, channel) -> {
          ProcessorTime time = new ProcessorTime();
          times.put(name, time);
          rounds.contender(
              name + ", " + inFlight, UnaryLoad.measure(channel, inFlight, calls, time));
        });
    rounds.run(quick ? 1 : 6, counted).print(out, "calls/s");
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
    return new Figures(
        rounds.ratio(OURS + ", " + inFlight, BARE + ", " + inFlight),
        micros.get(OURS) / micros.get(BARE));
  }

  @Override
  public void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
    server.close();
    resilience.close();
  }
}
