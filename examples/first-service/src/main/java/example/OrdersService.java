package example;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.kafka.KafkaTransport;
import io.commslib.service.Comms;
import java.sql.PreparedStatement;
import java.sql.SQLException;

public final class OrdersService {
  record OrderPlaced(String orderId, int pieces) {}

  private static final Destination ORDERS = Destination.topic("orders");

  public static void main(String[] args) throws SQLException {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(args[0]);
    Comms comms =
        Comms.service("orders")
            .database(pool)
            .transport(KafkaTransport.create(args[1]))
            .type("order.placed", OrderPlaced.class)
            .subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, OrdersService::reserve))
            .applySchemas()
            .start();
    try (pool; comms) {
      comms.inTransaction(
          tx -> {
            run(tx, "INSERT INTO orders (id, pieces) VALUES (?, ?)", args[2], 3);
            comms.publish(tx, ORDERS, new OrderPlaced(args[2], 3), args[2]);
          });
      comms.awaitClosed();
    }
  }

  private static Settlement reserve(OrderPlaced event, Delivery delivery) throws SQLException {
    run(delivery.transaction(), "UPDATE stock SET pieces = pieces - ?", event.pieces());
    return Settlement.done();
  }

  private static void run(TransactionContext tx, String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = JdbcTransactions.connection(tx).prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      statement.executeUpdate();
    }
  }
}
