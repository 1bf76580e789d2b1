package io.commslib.examples.shop.cli;

import io.commslib.core.CommsException;
import io.commslib.examples.shop.check.ShopReader;
import io.commslib.http.HttpReply;
import io.commslib.http.HttpService;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads the summary of a shipped order, first with all services and then without shipping. */
final class SummaryCheck {

  private final HttpService orders;
  private final PrintStream out;
  private final List<String> problems = new ArrayList<>();

  private SummaryCheck(HttpService orders, PrintStream out) {
    this.orders = orders;
    this.out = out;
  }

  /** Returns a description of everything that is wrong with the summaries; stops shipping. */
  static List<String> problems(
      HttpService orders, ShopReader reader, ServiceHost services, PrintStream out)
      throws SQLException {
    SummaryCheck check = new SummaryCheck(orders, out);
    String order = reader.shippedOrder();
    if (!order.isEmpty()) {
      check.read("all services", order, List.of());
      services.stop("shipping");
      check.read("without shipping", order, List.of("shipping"));
    }
    return check.problems;
  }

  private void read(String when, String order, List<String> missing) {
    try {
      HttpReply reply = orders.get("/v1/orders/{id}/summary", order).reply();
      out.println("summary, " + when + ": " + new String(reply.body(), StandardCharsets.UTF_8));
      Map<?, ?> summary = reply.as(Map.class);
      boolean isRight =
          summary.get("missing").equals(missing)
              && summary.get("payment") != null
              && (summary.get("shipping") == null) == missing.contains("shipping");
      if (!isRight) {
        problems.add("summary, " + when + ": " + summary + " (expected: missing " + missing + ")");
      }
    } catch (CommsException e) {
      problems.add("summary, " + when + ": " + e.getMessage());
    }
  }
}
