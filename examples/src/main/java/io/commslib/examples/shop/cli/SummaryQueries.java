package io.commslib.examples.shop.cli;

import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.check.ShopReader;
import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.OrdersGrpc;
import io.commslib.examples.shop.queries.Summary;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.math.BigInteger;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Asks the order service for one summary after the other, and compares them at the end. */
final class SummaryQueries {

  private static final Duration BETWEEN = Duration.ofMillis(10);
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final int MAX_COMPARED = 300;
  private static final int MAX_SHOWN = 5;

  /** The time in which a service that was killed must answer again. */
  private static final Duration RECOVERY = Duration.ofSeconds(15);

  private final OrdersGrpc.OrdersBlockingStub orders;
  private final CommsRuntime runtime;
  private final ShopReader reader;
  private final Thread thread;
  private final AtomicLong complete = new AtomicLong();
  private final AtomicLong incomplete = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private volatile boolean stopped;
  private String compared = "";

  SummaryQueries(Channel channel, CommsRuntime runtime, ShopReader reader) {
    this.orders = OrdersGrpc.newBlockingStub(channel);
    this.runtime = runtime;
    this.reader = reader;
    this.thread = runtime.newThread("shop-summaries", this::run);
  }

  void start() {
    thread.start();
  }

  void stop() {
    stopped = true;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!stopped) {
        for (ShopReader.Order order : known()) {
          if (stopped) {
            return;
          }
          ask(order);
          runtime.pause(BETWEEN);
        }
        runtime.pause(PAUSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns the orders that have arrived, or none while the database is being killed. */
  private List<ShopReader.Order> known() {
    try {
      return reader.orders();
    } catch (SQLException | RuntimeException e) {
      return List.of();
    }
  }

  private Optional<Summary> ask(ShopReader.Order order) {
    try {
      Summary summary = orders.summaryOf(OrderRequest.newBuilder().setOrderId(order.id()).build());
      (summary.getMissingCount() == 0 ? complete : incomplete).incrementAndGet();
      return Optional.of(summary);
    } catch (StatusRuntimeException e) {
      failed.incrementAndGet();
      return Optional.empty();
    }
  }

  /** Asks for the summaries of finished orders, and returns what is wrong with them. */
  List<String> problems(Map<String, BigInteger> stock) throws SQLException {
    String during = this.toString();
    List<ShopReader.Order> all = reader.orders();
    int step = 1 + all.size() / MAX_COMPARED;
    List<String> problems = new ArrayList<>();
    long end = System.nanoTime() + RECOVERY.toNanos();
    int asked = 0;
    int wrong = 0;
    for (int i = 0; i < all.size(); i += step) {
      asked++;
      Optional<String> problem = problem(all.get(i), stock, end);
      if (problem.isPresent() && ++wrong <= MAX_SHOWN) {
        problems.add("summary of order " + all.get(i).id() + ": " + problem.get());
      }
    }
    compared = during + "; after it " + (asked - wrong) + " of " + asked + " right";
    return problems;
  }

  /** Asks until the summary is complete, as long as the services may be recovering. */
  private Optional<String> problem(
      ShopReader.Order order, Map<String, BigInteger> stock, long end) {
    Optional<Summary> summary = ask(order);
    while (summary.map(Summary::getMissingCount).orElse(1) > 0 && System.nanoTime() < end) {
      pause();
      summary = ask(order);
    }
    if (summary.isEmpty()) {
      return Optional.of("no answer");
    }
    Summary found = summary.get();
    boolean isShipped = order.status().equals("SHIPPED");
    boolean isRight =
        found.getMissingCount() == 0
            && found.getStatus().equals(order.status())
            && found.getAmount().equals(order.amount())
            && found.hasPrice() == isShipped
            && (!isShipped || found.getPrice().equals(order.amount()))
            && (!isShipped || found.getStock().getPiecesCount() > 0)
            && found.getStock().getPiecesMap().entrySet().stream()
                .allMatch(
                    level ->
                        BigInteger.valueOf(level.getValue()).equals(stock.get(level.getKey())));
    return isRight ? Optional.empty() : Optional.of("differs from the databases: " + found);
  }

  private void pause() {
    try {
      runtime.pause(PAUSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String toString() {
    return compared.isEmpty()
        ? "summaries over gRPC during the run: "
            + complete
            + " complete, "
            + incomplete
            + " without price or stock, "
            + failed
            + " failed"
        : compared;
  }
}
