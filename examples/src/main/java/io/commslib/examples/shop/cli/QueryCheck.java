package io.commslib.examples.shop.cli;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.check.ShopReader;
import io.commslib.examples.shop.inventory.InventoryService;
import io.commslib.examples.shop.order.OrderService;
import io.commslib.examples.shop.platform.QueryChannel;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.resilience.Resilience;
import java.io.PrintStream;
import java.math.BigInteger;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code --queries grpc}: asks for summaries and watches the stock during a run, and compares both
 * with the databases at its end.
 */
final class QueryCheck implements AutoCloseable {

  private static final Duration DRAIN = Duration.ofSeconds(2);

  private final ShopReader reader;
  private final Lifecycle lifecycle;
  private final SummaryQueries summaries;
  private final StockWatch watch;

  private QueryCheck(ShopQueries queries, CommsRuntime runtime, ShopReader reader) {
    this.reader = reader;
    Resilience calls = ShopQueries.calls(runtime);
    QueryChannel orders = queries.channel(OrderService.NAME, ShopQueries.ORDERS, calls);
    QueryChannel inventory = queries.channel(InventoryService.NAME, ShopQueries.STOCK, calls);
    lifecycle = Lifecycle.builder().calls(calls).calls(orders).calls(inventory).build();
    summaries = new SummaryQueries(orders.channel(), runtime, reader);
    watch = new StockWatch(inventory.channel(), runtime);
  }

  /** Starts to ask and to watch. */
  static QueryCheck start(ShopQueries queries, CommsRuntime runtime, ShopReader reader) {
    QueryCheck check = new QueryCheck(queries, runtime, reader);
    check.lifecycle.start();
    check.summaries.start();
    check.watch.start();
    return check;
  }

  /** Returns a description of everything that is wrong once all orders are finished. */
  List<String> problems(PrintStream out) throws SQLException {
    summaries.stop();
    Map<String, BigInteger> stock = reader.stock();
    List<String> problems = new ArrayList<>(summaries.problems(stock));
    problems.addAll(watch.problems(stock));
    out.println(summaries);
    out.println(watch);
    return problems;
  }

  @Override
  public void close() {
    summaries.stop();
    watch.stop();
    lifecycle.drain(DRAIN);
    lifecycle.close();
  }
}
