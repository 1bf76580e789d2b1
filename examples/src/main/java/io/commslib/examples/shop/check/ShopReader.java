package io.commslib.examples.shop.check;

import io.commslib.jdbc.JdbcDatabase;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Reads the services' tables directly. It uses only names of tables and columns, so that it sees
 * the contents of the databases and not what a service reports.
 */
public final class ShopReader {

  /** The progress of the shop; cheap enough to read several times per second. */
  public record Status(long committed, long effected, long unfinishedOrders) {
    /** {@return the number of messages that are committed to an outbox and have no effect yet} */
    public long unfinished() {
      return committed - effected;
    }
  }

  /** An order as the order service has stored it. */
  public record Order(String id, String status, String amount) {}

  private static final Map<String, String> SERVICE_OF =
      Map.of(
          "POST /v1/orders", "order",
          "POST /v1/returns", "order",
          "queue:order.intake", "order",
          "queue:order.replies", "order",
          "queue:payment.commands", "payment",
          "queue:inventory.commands", "inventory",
          "queue:shipping.commands", "shipping");

  private final Map<String, JdbcDatabase> databases;
  private final Supplier<Set<String>> deadLetterIds;

  /**
   * Creates a reader.
   *
   * @param databases by service
   * @param deadLetterIds ids of the messages in the brokers' dead letters
   */
  public ShopReader(Map<String, JdbcDatabase> databases, Supplier<Set<String>> deadLetterIds) {
    this.databases = Map.copyOf(databases);
    this.deadLetterIds = deadLetterIds;
  }

  /** Reads the progress of the shop. */
  public Status status() throws SQLException {
    long committed = 0;
    long effected = 0;
    for (String service : databases.keySet()) {
      committed += number(service, "SELECT count(DISTINCT message_id) FROM @outgoing_log");
      effected += number(service, "SELECT count(DISTINCT message_id) FROM @effect_log");
    }
    return new Status(
        committed,
        effected,
        number("order", "SELECT count(*) FROM @customer_order WHERE status = 'PLACED'"));
  }

  /** Reads the number of orders and returns that have arrived at the order service. */
  public long arrived() throws SQLException {
    return number("order", "SELECT count(*) FROM @customer_order")
        + number("order", "SELECT count(*) FROM @goods_return");
  }

  /** Reads all orders. */
  public List<Order> orders() throws SQLException {
    List<Order> orders = new ArrayList<>();
    each(
        "order",
        "SELECT order_id, status, amount FROM @customer_order",
        row ->
            orders.add(
                new Order(
                    row.getString(1), row.getString(2), row.getBigDecimal(3).toPlainString())));
    return orders;
  }

  /** Reads the ids of messages committed to an outbox that have no effect and are not parked. */
  public Set<String> outstanding() throws SQLException {
    Set<String> open = new HashSet<>();
    for (String service : databases.keySet()) {
      each(
          service,
          "SELECT message_id, destination FROM @outgoing_log",
          row -> open.add(SERVICE_OF.get(row.getString(2)) + "/" + row.getString(1)));
    }
    for (String service : databases.keySet()) {
      each(
          service,
          "SELECT message_id FROM @effect_log",
          row -> open.remove(service + "/" + row.getString(1)));
    }
    Set<String> parked = new HashSet<>(deadLetterIds.get());
    for (String service : databases.keySet()) {
      each(
          service,
          "SELECT headers FROM @outbox_parked",
          row ->
              row.getString(1)
                  .lines()
                  .filter(line -> line.startsWith("ce_id:"))
                  .forEach(line -> parked.add(line.substring(6))));
    }
    open.removeIf(id -> parked.contains(id.substring(id.indexOf('/') + 1)));
    return open;
  }

  /** Reads the id of an order that was shipped, or an empty text if there is none. */
  public String shippedOrder() throws SQLException {
    String[] id = {""};
    each(
        "order",
        "SELECT max(order_id) FROM @customer_order WHERE status = 'SHIPPED'",
        row -> id[0] = Objects.requireNonNullElse(row.getString(1), ""));
    return id[0];
  }

  /** Reads the figures of the shop, by their names in the summary. */
  public Map<String, Object> figures(long rejectedLines) throws SQLException {
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("orders", number("order", "SELECT count(*) FROM @customer_order"));
    figures.put(
        "shipped",
        number("order", "SELECT count(*) FROM @customer_order WHERE status = 'SHIPPED'"));
    figures.put(
        "rejected",
        number("order", "SELECT count(*) FROM @customer_order WHERE status = 'REJECTED'"));
    figures.put("returns", number("order", "SELECT count(*) FROM @goods_return"));
    figures.put("refunded", number("payment", "SELECT count(*) FROM @refund"));
    figures.put("refundsParked", (long) deadLetterIds.get().size());
    figures.put(
        "adjustments", number("inventory", "SELECT count(*) FROM @movement WHERE kind = 'ADJUST'"));
    figures.put("rejectedLines", rejectedLines);
    figures.put(
        "chargedTotal",
        money("SELECT coalesce(sum(amount), 0) FROM @charge WHERE reversed = FALSE"));
    figures.put("refundedTotal", money("SELECT coalesce(sum(amount), 0) FROM @refund"));
    figures.put("unitsShipped", number("shipping", "SELECT coalesce(sum(pieces), 0) FROM @parcel"));
    figures.put(
        "unitsRestocked",
        number(
            "inventory", "SELECT coalesce(sum(pieces), 0) FROM @movement WHERE kind = 'RESTOCK'"));
    figures.put(
        "unitsAdjusted",
        number(
            "inventory", "SELECT coalesce(sum(pieces), 0) FROM @movement WHERE kind = 'ADJUST'"));
    long messages = 0;
    for (String service : databases.keySet()) {
      messages +=
          number(service, "SELECT count(*) FROM @outgoing_log WHERE destination LIKE 'queue:%'");
    }
    figures.put("messages", messages);
    figures.put("lost", (long) outstanding().size());
    figures.put("duplicateEffects", duplicateEffects());
    figures.put("outOfOrder", outOfOrder());
    return figures;
  }

  /** Reads the stock of each article. */
  public Map<String, BigInteger> stock() throws SQLException {
    Map<String, BigInteger> stock = new TreeMap<>();
    each(
        "inventory",
        "SELECT article, pieces FROM @stock",
        row -> stock.put(row.getString(1), BigInteger.valueOf(row.getLong(2))));
    return stock;
  }

  private long duplicateEffects() throws SQLException {
    long extra = 0;
    for (String service : databases.keySet()) {
      extra += number(service, "SELECT count(*) - count(DISTINCT message_id) FROM @effect_log");
    }
    return extra;
  }

  private long outOfOrder() throws SQLException {
    long[] inversions = {0};
    for (String service : databases.keySet()) {
      Map<String, Long> highest = new HashMap<>();
      Set<String> seen = new HashSet<>();
      each(
          service,
          "SELECT message_id, producer, msg_key, seq FROM @effect_log WHERE redriven = 0 ORDER BY id",
          row -> {
            // Only first effects have an order; a second one is counted as a duplicate.
            if (seen.add(row.getString(1))) {
              String lane = row.getString(2) + "/" + row.getString(3);
              long number = row.getLong(4);
              if (number < highest.getOrDefault(lane, 0L)) {
                inversions[0]++;
              } else {
                highest.put(lane, number);
              }
            }
          });
    }
    return inversions[0];
  }

  private String money(String sql) throws SQLException {
    BigDecimal[] amount = {BigDecimal.ZERO};
    each("payment", sql, row -> amount[0] = row.getBigDecimal(1));
    return amount[0].setScale(2).toPlainString();
  }

  private long number(String service, String sql) throws SQLException {
    long[] number = {0};
    each(service, sql, row -> number[0] = row.getLong(1));
    return number[0];
  }

  private interface RowReader {
    void read(ResultSet row) throws SQLException;
  }

  /**
   * Runs a query; {@code @name} stands for a table. A table that does not exist yet has no rows.
   */
  private void each(String service, String sql, RowReader reader) throws SQLException {
    JdbcDatabase database = databases.get(service);
    StringBuilder text = new StringBuilder();
    for (String word : sql.split(" ")) {
      text.append(word.startsWith("@") ? database.table(word.substring(1)) : word).append(' ');
    }
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(text.toString())) {
      while (row.next()) {
        reader.read(row);
      }
    } catch (SQLException e) {
      boolean noTable =
          "42P01".equals(e.getSQLState())
              || "42S02".equals(e.getSQLState())
              || "42S04".equals(e.getSQLState())
              || "90079".equals(e.getSQLState())
              || "3F000".equals(e.getSQLState());
      if (!noTable) {
        throw e;
      }
    }
  }
}
