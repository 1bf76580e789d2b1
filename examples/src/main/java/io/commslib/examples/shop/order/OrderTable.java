package io.commslib.examples.shop.order;

import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.order.OrderSummary.OrderStatus;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.jdbc.JdbcDatabase;
import java.math.BigDecimal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tables of orders and returns. */
final class OrderTable {

  private final ShopSql sql;

  OrderTable(JdbcDatabase database) {
    this.sql = new ShopSql(database);
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @customer_order (order_id varchar(200) NOT NULL PRIMARY KEY, customer_id varchar(256),
          amount numeric(60, 2) NOT NULL, status varchar(10) NOT NULL);
        CREATE TABLE IF NOT EXISTS @goods_return (return_id varchar(200) NOT NULL PRIMARY KEY, customer_id varchar(256),
          amount numeric(60, 2) NOT NULL)
        """);
  }

  void place(
      TransactionContext tx, String orderId, @Nullable String customerId, BigDecimal amount) {
    sql.update(
        tx,
        "INSERT INTO @customer_order (order_id, customer_id, amount, status) VALUES (?, ?, ?, 'PLACED')",
        orderId,
        customerId,
        amount);
  }

  void finish(TransactionContext tx, String orderId, String status) {
    sql.update(tx, "UPDATE @customer_order SET status = ? WHERE order_id = ?", status, orderId);
  }

  Optional<OrderStatus> find(TransactionContext tx, String orderId) {
    return sql.find(
        tx,
        row -> new OrderStatus(orderId, row.getString(1), row.getBigDecimal(2).toPlainString()),
        "SELECT status, amount FROM @customer_order WHERE order_id = ?",
        orderId);
  }

  void takeBack(
      TransactionContext tx, String returnId, @Nullable String customerId, BigDecimal amount) {
    sql.update(
        tx,
        "INSERT INTO @goods_return (return_id, customer_id, amount) VALUES (?, ?, ?)",
        returnId,
        customerId,
        amount);
  }
}
