package io.commslib.benchmarks.core;

import io.commslib.benchmarks.Benchmark;
import io.commslib.benchmarks.measure.AllocatedBytes;
import io.commslib.benchmarks.measure.Rounds;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Time from publish to handled over the in-memory transport, and the cost of the engine. */
public final class CoreBenchmark implements Benchmark {

  private static final int KEYS = 1_000;
  private static final int WORKERS = 2;
  private static final byte[] BODY = new byte[256];

  private long bytesPerMessage;

  @Override
  public String workload() {
    return "one thread publishes 256-byte messages over "
        + KEYS
        + " keys to an in-memory queue; a subscription with "
        + WORKERS
        + " workers handles them in order per key with a handler that only counts; measured from the first publish to"
        + " the last message handled. The floor gives the same messages to a pool of "
        + WORKERS
        + " threads without keys, retries or settlement. Then the delivery engine alone: records of 1 KiB"
        + " with headers as bytes through decoding, lanes and a handler that does nothing; CPU of all"
        + " threads.";
  }

  @Override
  public Map<String, Double> run(boolean quick, PrintStream out) throws Exception {
    int many = quick ? 50_000 : 1_000_000;
    int few = 1_000;
    String floor = "thread pool, " + many + " messages (floor)";
    String large = "commslib, " + many + " messages";
    String small = "commslib, " + few + " messages";
    Rounds rounds =
        new Rounds()
            .contender(floor, () -> floor(many))
            .contender(large, () -> commslib(many, 1))
            .contender(small, () -> commslib(few, quick ? 20 : 200))
            .run(quick ? 1 : 2, quick ? 3 : 5);
    rounds.print(out, "ns/message");
    commslib(many, 1);
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("nanosPerMessage", rounds.median(large));
    figures.put("bytesPerMessage", (double) bytesPerMessage);
    figures.put("growth", rounds.ratio(large, small));
    figures.put("floorRatio", rounds.ratio(large, floor));
    EngineCost.measure(quick, figures, out);
    return figures;
  }

  private static Message message(int number) {
    return Message.builder("bench")
        .id("m" + number)
        .key("k" + number % KEYS)
        .sharedBody(BODY)
        .build();
  }

  private static double floor(int messages) throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(WORKERS);
    CountDownLatch handled = new CountDownLatch(messages);
    long start = System.nanoTime();
    for (int i = 0; i < messages; i++) {
      Message message = message(i);
      pool.execute(
          () -> {
            if (message.sharedBody().length > 0) {
              handled.countDown();
            }
          });
    }
    handled.await();
    double nanos = (System.nanoTime() - start) / (double) messages;
    pool.shutdown();
    pool.awaitTermination(10, TimeUnit.SECONDS);
    return nanos;
  }

  /** Returns the nanoseconds per message, over several runs on the same subscription. */
  private double commslib(int messages, int times) throws InterruptedException {
    Destination queue = Destination.queue("bench");
    try (InMemoryTransport transport =
        InMemoryTransport.builder().maxBacklog(messages + 1).build()) {
      transport.declare(DestinationConfig.builder(queue).build());
      CountDownLatch[] handled = {new CountDownLatch(messages)};
      SubscriptionConfig config =
          SubscriptionConfig.builder(queue).workers(WORKERS).maxInFlight(2_000).build();
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  config,
                  delivery -> {
                    handled[0].countDown();
                    return Settlement.done();
                  });
      long bytes = AllocatedBytes.now();
      long nanos = 0;
      for (int time = 0; time < times; time++) {
        handled[0] = new CountDownLatch(messages);
        long start = System.nanoTime();
        for (int i = 0; i < messages; i++) {
          // Confirmed immediately in memory; the stage could only fail with a full backlog.
          var unused = transport.publisher().publish(queue, message(i));
        }
        handled[0].await();
        nanos += System.nanoTime() - start;
      }
      bytesPerMessage = (AllocatedBytes.now() - bytes) / ((long) messages * times);
      subscription.close();
      return nanos / ((double) messages * times);
    }
  }
}
