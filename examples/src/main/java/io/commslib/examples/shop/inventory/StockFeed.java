package io.commslib.examples.shop.inventory;

import io.commslib.core.CommsException;
import io.commslib.core.Health;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.examples.shop.queries.StockLevels;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the stock to those who watch it. Its thread reads the committed stock from time to time,
 * while there are watchers, and sends to each of them what differs from what it has sent before. So
 * a slow reader misses levels in between, but never the last one, and nothing waits for it here.
 */
final class StockFeed implements LifecycleComponent {

  private static final Logger log = LoggerFactory.getLogger(StockFeed.class);
  private static final Duration INTERVAL = Duration.ofMillis(200);

  private final CommsRuntime runtime;
  private final TransactionRunner transactions;
  private final StockTable stock;
  private final Set<StockWatcher> watchers = ConcurrentHashMap.newKeySet();
  private final Thread thread;
  private volatile boolean stopped;

  StockFeed(CommsRuntime runtime, TransactionRunner transactions, StockTable stock) {
    this.runtime = runtime;
    this.transactions = transactions;
    this.stock = stock;
    this.thread = runtime.newThread("shop-stock-feed", this::run);
  }

  /** Adds one who gets the whole stock first, and then what changes. */
  void add(ServerCallStreamObserver<StockLevels> to) {
    StockWatcher watcher = new StockWatcher(to);
    to.setOnCancelHandler(() -> watchers.remove(watcher));
    watchers.add(watcher);
    if (stopped) {
      end();
    }
  }

  private void run() {
    try {
      while (!stopped) {
        if (!watchers.isEmpty()) {
          send();
        }
        runtime.pause(INTERVAL);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void send() {
    try {
      Map<String, Long> levels = transactions.run(stock::levels);
      watchers.forEach(watcher -> watcher.send(levels));
    } catch (CommsException e) {
      // The next round reads all of it again.
      log.warn("the stock can't be read: {}", e.getMessage());
    }
  }

  private void end() {
    for (StockWatcher watcher : watchers) {
      if (watchers.remove(watcher)) {
        watcher.end();
      }
    }
  }

  @Override
  public String name() {
    return "stock-feed";
  }

  @Override
  public void start() {
    thread.start();
  }

  /** Ends all streams, because the drain of the server waits for them. */
  @Override
  public void stopIntake() {
    stopped = true;
    end();
  }

  @Override
  public boolean drain(Duration timeout) {
    stopIntake();
    return true;
  }

  @Override
  public void close() {
    stopIntake();
    thread.interrupt();
  }

  @Override
  public Health health() {
    return Health.of(Health.Status.UP, "", Map.of("watchers", Integer.toString(watchers.size())));
  }
}
