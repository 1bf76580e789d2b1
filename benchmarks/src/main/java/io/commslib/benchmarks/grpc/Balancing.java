package io.commslib.benchmarks.grpc;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.SystemRuntime;
import io.commslib.grpc.GrpcCalls;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.ForwardingRuntime;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

/** The choice of backends: the error of a split, and the slow calls beside one slow backend. */
final class Balancing {

  private static final int CALLERS = 32;
  private static final long DEADLINE_NANOS = Duration.ofSeconds(5).toNanos();

  private final SystemRuntime system;

  Balancing(SystemRuntime system) {
    this.system = system;
  }

  void run(boolean quick, PrintStream out, Map<String, Double> figures) throws Exception {
    figures.put("splitError", splitError(quick ? 2 : 20, quick ? 200 : 10_000, out));
    Duration time = Duration.ofMillis(quick ? 300 : 20_000);
    double ours = slowest("least loaded of two", time, false, out);
    double turns = slowest("round robin", time, true, out);
    figures.put("leastLoadedP99", ours / turns);
  }

  /** Randomness from a seed, for the calls only. */
  private static final class Seeded extends ForwardingRuntime {
    private final RandomGenerator random;

    Seeded(SystemRuntime system, long seed) {
      super(system);
      this.random = new Random(seed);
    }

    @Override
    public RandomGenerator random() {
      return random;
    }
  }

  /** Returns the largest error of a split of 90 to 10, in points. */
  private double splitError(int runs, int calls, PrintStream out) throws Exception {
    double worst = 0;
    try (WorkingBackend stable = new WorkingBackend(system, 4, Duration.ZERO);
        WorkingBackend canary = new WorkingBackend(system, 4, Duration.ZERO);
        FixedNames names = new FixedNames(List.of(stable.port(), canary.port()))) {
      for (int run = 1; run <= runs; run++) {
        try (Resilience resilience =
            Resilience.builder(new Seeded(system, run))
                .defaults(
                    CallPolicy.builder().split(TrafficSplit.of("stable", 90, "canary", 10)).build())
                .build()) {
          ManagedChannel channel =
              GrpcCalls.builder(resilience, "backends")
                  .subset("stable", address -> port(address) == stable.port())
                  .subset("canary", address -> port(address) == canary.port())
                  .protect(builder(names))
                  .build();
          try {
            // Both are connected before the first counted call.
            warmUp(channel, stable, canary);
            long before = canary.served.get();
            for (int i = 0; i < calls; i++) {
              call(channel);
            }
            double share = (canary.served.get() - before) * 100.0 / calls;
            worst = Math.max(worst, Math.abs(share - 10));
          } finally {
            channel.shutdownNow();
          }
        }
      }
    }
    out.printf(
        Locale.ROOT,
        "  split 90/10, %d calls, worst of %d runs: %.2f points%n",
        calls,
        runs,
        worst);
    return worst;
  }

  private static void warmUp(ManagedChannel channel, WorkingBackend... all) {
    long[] before = Arrays.stream(all).mapToLong(each -> each.served.get()).toArray();
    boolean isWarm = false;
    while (!isWarm) {
      call(channel);
      isWarm = true;
      for (int i = 0; i < all.length; i++) {
        isWarm &= all[i].served.get() > before[i];
      }
    }
    for (int i = 0; i < 100; i++) {
      call(channel);
    }
  }

  private static int port(SocketAddress address) {
    return ((InetSocketAddress) address).getPort();
  }

  private static ManagedChannelBuilder<?> builder(FixedNames names) {
    return Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create());
  }

  private static void call(ManagedChannel channel) {
    ClientCalls.blockingUnaryCall(channel, EchoServer.ECHO, UnaryLoad.options(), UnaryLoad.BODY);
  }

  /** Returns the 99th percentile in milliseconds. */
  private double slowest(String name, Duration time, boolean inTurns, PrintStream out)
      throws Exception {
    try (WorkingBackend first = new WorkingBackend(system, 4, Duration.ofMillis(5));
        WorkingBackend second = new WorkingBackend(system, 4, Duration.ofMillis(5));
        WorkingBackend slow = new WorkingBackend(system, 4, Duration.ofMillis(50));
        FixedNames names = new FixedNames(List.of(first.port(), second.port(), slow.port()));
        Resilience resilience = Resilience.create(system)) {
      ManagedChannelBuilder<?> builder = GrpcCalls.protect(builder(names), resilience, "backends");
      if (inTurns) {
        builder.defaultLoadBalancingPolicy("round_robin");
      }
      ManagedChannel channel = builder.build();
      try {
        warmUp(channel, first, second, slow);
        long[] before = {first.served.get(), second.served.get(), slow.served.get()};
        List<List<Long>> taken = load(channel, time);
        long[] all =
            taken.stream().flatMap(List::stream).mapToLong(Long::longValue).sorted().toArray();
        double p99 = all[(int) (all.length * 0.99)] / 1e6;
        long[] served = {
          first.served.get() - before[0],
          second.served.get() - before[1],
          slow.served.get() - before[2]
        };
        long sum = Math.max(1, LongStream.of(served).sum());
        out.printf(
            Locale.ROOT,
            "  %-20s %d calls, p99 %.1f ms, shares %.1f %% %.1f %% %.1f %%%n",
            name,
            all.length,
            p99,
            served[0] * 100.0 / sum,
            served[1] * 100.0 / sum,
            served[2] * 100.0 / sum);
        return p99;
      } finally {
        channel.shutdownNow();
      }
    }
  }

  private static List<List<Long>> load(ManagedChannel channel, Duration time)
      throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    List<List<Long>> taken = new ArrayList<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      List<Long> own = new ArrayList<>();
      taken.add(own);
      Thread caller =
          new Thread(
              () -> {
                while (System.nanoTime() < end) {
                  long start = System.nanoTime();
                  try {
                    call(channel);
                    own.add(System.nanoTime() - start);
                  } catch (StatusRuntimeException e) {
                    own.add(DEADLINE_NANOS);
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    return taken;
  }
}
