package io.commslib.examples.shop.inventory;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.AdjustStock;
import io.commslib.examples.shop.messages.OutOfStock;
import io.commslib.examples.shop.messages.ReleaseStock;
import io.commslib.examples.shop.messages.ReserveStock;
import io.commslib.examples.shop.messages.RestockGoods;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.messages.StockReleased;
import io.commslib.examples.shop.messages.StockReserved;
import io.commslib.examples.shop.platform.ServiceComponents;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.outbox.Outbox;
import io.commslib.resilience.Resilience;
import io.commslib.saga.Replies;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;

/** Keeps the stock of every article. */
public final class InventoryService {

  public static final String NAME = "inventory";

  private final TypeRegistry types = ShopMessages.types();
  private final StockTable stock;
  private final Outbox outbox;

  private InventoryService(StockTable stock, Outbox outbox) {
    this.stock = stock;
    this.outbox = outbox;
  }

  /** Wires the service; start the lifecycle to run it. */
  public static Lifecycle wire(ShopEnvironment environment) {
    ServiceComponents components = new ServiceComponents(environment, NAME);
    StockTable stock = new StockTable(components.database, 1_000_000L * environment.repeat());
    InventoryService service = new InventoryService(stock, components.outbox);
    Lifecycle.Builder lifecycle =
        Lifecycle.builder()
            .transport(components.transport)
            .relay(components.relay)
            .subscription(
                NAME, () -> components.subscribe(ShopMessages.INVENTORY, service.handler()));
    environment
        .queries()
        .ifPresent(
            queries -> {
              Resilience calls = ShopQueries.calls(components.runtime);
              StockFeed feed = new StockFeed(components.runtime, components.transactions, stock);
              StockAnswers answers = new StockAnswers(components.transactions, stock, feed);
              lifecycle.calls(calls).server(feed).server(queries.server(NAME, calls, answers));
            });
    return lifecycle.build();
  }

  private MessageHandler handler() {
    return TypedHandler.builder(types)
        .on(ReserveStock.class, this::reserve)
        .on(ReleaseStock.class, this::release)
        .on(RestockGoods.class, this::restock)
        .on(AdjustStock.class, this::adjust)
        .build();
  }

  private Settlement reserve(ReserveStock command, Delivery delivery) throws SQLException {
    TransactionContext tx = delivery.transaction();
    Optional<String> missing = stock.take(tx, command.pieces());
    if (missing.isPresent()) {
      return answer(delivery, new OutOfStock(command.orderId(), missing.get()));
    }
    stock.reserve(tx, command.orderId(), command.pieces());
    return answer(delivery, new StockReserved(command.orderId(), sum(command.pieces())));
  }

  private Settlement release(ReleaseStock command, Delivery delivery) throws SQLException {
    TransactionContext tx = delivery.transaction();
    stock.add(tx, stock.release(tx, command.orderId()));
    return answer(delivery, new StockReleased(command.orderId()));
  }

  private Settlement restock(RestockGoods command, Delivery delivery) throws SQLException {
    stock.add(delivery.transaction(), command.pieces());
    stock.recordMovement(
        delivery.transaction(), "RESTOCK", command.returnId(), sum(command.pieces()));
    return Settlement.done();
  }

  private Settlement adjust(AdjustStock command, Delivery delivery) throws SQLException {
    stock.add(delivery.transaction(), command.pieces());
    stock.recordMovement(
        delivery.transaction(), "ADJUST", command.adjustmentId(), sum(command.pieces()));
    return Settlement.done();
  }

  private static long sum(Map<String, Long> pieces) {
    return pieces.values().stream().mapToLong(Long::longValue).sum();
  }

  private Settlement answer(Delivery delivery, Object answer) {
    outbox.publish(
        delivery.transaction(),
        ShopMessages.ORDER_REPLIES,
        Replies.to(delivery, types, answer).build());
    return Settlement.done();
  }
}
