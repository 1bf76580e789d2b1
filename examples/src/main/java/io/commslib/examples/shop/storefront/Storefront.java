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
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.CountedOutbox;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Feeds each invoice into the shop once: a table records the fed invoices, in the same transaction
 * as the message.
 */
public final class Storefront {

  public static final String NAME = "storefront";

  private final TypeRegistry types = ShopMessages.types();
  private final JdbcTransactionRunner transactions;
  private final CountedOutbox outbox;
  private final ShopSql sql;
  private final Lifecycle lifecycle;

  public Storefront(ShopEnvironment environment) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    transactions = components.transactions;
    outbox = components.outbox;
    sql = new ShopSql(components.database);
    sql.create("CREATE TABLE IF NOT EXISTS @fed (invoice_id varchar(200) NOT NULL PRIMARY KEY)");
    lifecycle = Lifecycle.builder().transport(components.transport).relay(components.relay).build();
  }

  public Lifecycle lifecycle() {
    return lifecycle;
  }

  /** Publishes an invoice unless an earlier run did; returns whether it was published. */
  public boolean feed(Invoice invoice, int repetition) {
    String id = ShopIds.invoice(invoice.number(), repetition);
    return transactions.run(
        tx -> {
          if (!sql.insertNew(tx, "INSERT INTO @fed (invoice_id) VALUES (?)", id)) {
            return false;
          }
          publish(tx, invoice, id);
          return true;
        });
  }

  private void publish(TransactionContext tx, Invoice invoice, String id) {
    String customer = invoice.customer().isEmpty() ? null : invoice.customer();
    Destination to =
        invoice.kind() == Invoice.Kind.ADJUSTMENT
            ? ShopMessages.INVENTORY
            : ShopMessages.ORDER_INTAKE;
    Message message =
        types
            .message(content(invoice, id, customer))
            .id(ShopIds.message(id))
            .source("/storefront")
            .key(ShopIds.plain(customer == null ? id : customer))
            .build();
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
