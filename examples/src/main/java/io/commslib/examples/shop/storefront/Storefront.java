package io.commslib.examples.shop.storefront;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.AdjustStock;
import io.commslib.examples.shop.messages.OrderLine;
import io.commslib.examples.shop.messages.PlaceOrder;
import io.commslib.examples.shop.messages.ReturnGoods;
import io.commslib.examples.shop.messages.ShopIds;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.CountedOutbox;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Feeds each invoice into the shop once. A table records the fed invoices: in the same transaction
 * as the message, or after the answer to a request, whose key makes a repetition harmless.
 */
public final class Storefront {

  public static final String NAME = "storefront";

  private final TypeRegistry types = ShopMessages.types();
  private final JdbcTransactionRunner transactions;
  private final CountedOutbox outbox;
  private final Optional<OrderClient> orders;
  private final ShopSql sql;
  private final Lifecycle lifecycle;

  public Storefront(ShopEnvironment environment) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    transactions = components.transactions;
    outbox = components.outbox;
    orders = environment.http().map(http -> new OrderClient(http, components.requests));
    sql = new ShopSql(components.database);
    sql.create("CREATE TABLE IF NOT EXISTS @fed (invoice_id varchar(200) NOT NULL PRIMARY KEY)");
    lifecycle = Lifecycle.builder().transport(components.transport).relay(components.relay).build();
  }

  public Lifecycle lifecycle() {
    return lifecycle;
  }

  /**
   * Feeds an invoice that no earlier run has fed; returns whether it fed the invoice. After a
   * failure it may be called again: the invoice takes effect once.
   */
  public boolean feed(Invoice invoice, int repetition) {
    String id = ShopIds.invoice(invoice.number(), repetition);
    String customer = invoice.customer().isEmpty() ? null : invoice.customer();
    String key = ShopIds.key(customer, id);
    Object content = content(invoice, id, customer);
    return orders.isPresent() && invoice.kind() != Invoice.Kind.ADJUSTMENT
        ? post(orders.get(), content, id, key)
        : publish(content, id, key);
  }

  private boolean post(OrderClient client, Object content, String id, String key) {
    String query = "SELECT 1 FROM @fed WHERE invoice_id = ?";
    if (transactions.run(tx -> sql.number(tx, query, id)).isPresent()) {
      return false;
    }
    client.post(content, id, key);
    return transactions.run(tx -> markFed(tx, id));
  }

  private boolean publish(Object content, String id, String key) {
    return transactions.run(
        tx -> {
          if (!markFed(tx, id)) {
            return false;
          }
          publish(tx, content, id, key);
          return true;
        });
  }

  private boolean markFed(TransactionContext tx, String id) {
    return sql.insertNew(tx, "INSERT INTO @fed (invoice_id) VALUES (?)", id);
  }

  private void publish(TransactionContext tx, Object content, String id, String key) {
    Destination to =
        content instanceof AdjustStock ? ShopMessages.INVENTORY : ShopMessages.ORDER_INTAKE;
    Message message =
        types.message(content).id(ShopIds.message(id)).source("/storefront").key(key).build();
    outbox.publish(tx, to, message);
  }

  /** Returns the id of an invoice's message. */
  public static String messageId(Invoice invoice) {
    return ShopIds.message(ShopIds.invoice(invoice.number(), 1));
  }

  /** Returns the message of an invoice, for a program that sends it in place of the storefront. */
  public static Object content(Invoice invoice) {
    return content(
        invoice,
        ShopIds.invoice(invoice.number(), 1),
        invoice.customer().isEmpty() ? null : invoice.customer());
  }

  private static Object content(Invoice invoice, String id, @Nullable String customer) {
    return switch (invoice.kind()) {
      case ORDER -> new PlaceOrder(id, customer, lines(invoice));
      case RETURN -> new ReturnGoods(id, customer, lines(invoice));
      case ADJUSTMENT -> new AdjustStock(id, pieces(invoice));
    };
  }

  private static List<OrderLine> lines(Invoice invoice) {
    List<OrderLine> lines = new ArrayList<>();
    for (InvoiceLine line : invoice.lines()) {
      lines.add(new OrderLine(line.article(), line.quantity(), line.price().toPlainString()));
    }
    return lines;
  }

  private static Map<String, Long> pieces(Invoice invoice) {
    Map<String, Long> pieces = new TreeMap<>();
    invoice
        .lines()
        .forEach(line -> pieces.merge(line.article(), (long) line.quantity(), Long::sum));
    return pieces;
  }
}
