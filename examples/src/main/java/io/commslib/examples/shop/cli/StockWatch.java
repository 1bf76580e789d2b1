package io.commslib.examples.shop.cli;

import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.queries.StockGrpc;
import io.commslib.examples.shop.queries.StockLevels;
import io.commslib.examples.shop.queries.WatchRequest;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Watches the stock, opens the stream again after each end, and compares the last levels. */
final class StockWatch {

  private static final Duration PAUSE = Duration.ofMillis(100);

  /** The time in which the last levels must arrive. */
  private static final Duration LIMIT = Duration.ofSeconds(15);

  private final StockGrpc.StockBlockingStub inventory;
  private final CommsRuntime runtime;
  private final Context.CancellableContext context = Context.ROOT.withCancellation();
  private final Thread thread;
  private final Map<String, BigInteger> levels = new ConcurrentHashMap<>();
  private final AtomicLong received = new AtomicLong();
  private final AtomicLong streams = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  StockWatch(Channel channel, CommsRuntime runtime) {
    this.inventory = StockGrpc.newBlockingStub(channel);
    this.runtime = runtime;
    this.thread = runtime.newThread("shop-stock-watch", context.wrap(this::run));
  }

  void start() {
    thread.start();
  }

  void stop() {
    context.cancel(null);
    try {
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!context.isCancelled()) {
        watch();
        runtime.pause(PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Reads one stream until it ends, which it does when inventory does. */
  private void watch() {
    boolean begun = false;
    try {
      Iterator<StockLevels> stream = inventory.watchStock(WatchRequest.getDefaultInstance());
      while (stream.hasNext()) {
        StockLevels changed = stream.next();
        if (!begun) {
          begun = true;
          streams.incrementAndGet();
        }
        changed
            .getPiecesMap()
            .forEach((article, pieces) -> levels.put(article, BigInteger.valueOf(pieces)));
        received.addAndGet(changed.getPiecesCount());
      }
    } catch (StatusRuntimeException e) {
      if (!begun && !context.isCancelled()) {
        failed.incrementAndGet();
      }
    }
  }

  /** Waits for the last levels, and returns what is wrong with them. */
  List<String> problems(Map<String, BigInteger> stock) {
    long end = System.nanoTime() + LIMIT.toNanos();
    try {
      while (!levels.equals(stock) && System.nanoTime() < end) {
        runtime.pause(PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Map<String, BigInteger> watched = new TreeMap<>(levels);
    watched.entrySet().removeAll(stock.entrySet());
    boolean isRight = watched.isEmpty() && levels.keySet().equals(stock.keySet());
    return isRight
        ? List.of()
        : List.of(
            "stock watched: "
                + levels.size()
                + " articles, "
                + watched.size()
                + " of them wrong (expected: the "
                + stock.size()
                + " of the database)");
  }

  @Override
  public String toString() {
    return "stock over gRPC: "
        + received
        + " levels of "
        + levels.size()
        + " articles in "
        + streams
        + " streams, "
        + failed
        + " streams refused";
  }
}
