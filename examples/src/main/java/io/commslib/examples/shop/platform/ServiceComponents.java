package io.commslib.examples.shop.platform;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.TransactionalRouteHandler;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.OutboxSchema;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * The components of every service: database with tables, transport with queues, outbox with relay,
 * inbox, and log of effects.
 */
public final class ServiceComponents {

  private static final int WORKERS = 6;

  public final JdbcDatabase database;
  public final MessageTransport transport;
  public final CommsRuntime runtime;
  public final JdbcTransactionRunner transactions;
  public final CountedOutbox outbox;
  public final CountedRequests requests;
  private final JdbcOutbox stored;
  private final boolean neighbours;
  public final OutboxRelay relay;
  private final JdbcInbox inbox;
  private final EffectLog effects;

  public ServiceComponents(ShopEnvironment environment, String service) {
    database = environment.database(service);
    runtime = environment.runtime();
    OutboxSchema.scripts().apply(database);
    InboxSchema.scripts().apply(database);
    transport = environment.transport(service);
    ShopMessages.declare(transport);
    neighbours = environment.neighbours();
    if (neighbours) {
      ShopMessages.declareParcels(transport);
    }
    transactions = JdbcTransactionRunner.create(database);
    SentLog sent = new SentLog(database);
    // snippet: parts
    JdbcOutbox stored = JdbcOutbox.create(database, OutboxConfig.defaults());
    outbox = new CountedOutbox(service, stored, sent);
    relay = OutboxRelay.create(stored, transport, runtime);
    // end
    this.stored = stored;
    requests = new CountedRequests(service, database, sent);
    inbox = JdbcInbox.create(database, InboxConfig.defaults());
    effects = new EffectLog(database);
  }

  /**
   * Consumes a queue. Each message has one effect, in one transaction with the handler's writes.
   */
  public Subscription subscribe(Destination queue, MessageHandler handler) {
    // snippet: subscribe
    SubscriptionConfig config =
        SubscriptionConfig.builder(queue)
            .workers(WORKERS)
            .transactional(transactions, inbox)
            .build();
    return transport.subscriber().subscribe(config, effects.logged(handler));
    // end
  }

  /**
   * Consumes what another service sends. The shop's check knows nothing of those messages, so their
   * effects are not logged.
   */
  public Subscription subscribe(
      MessageTransport from, Destination destination, String group, MessageHandler handler) {
    return from.subscriber()
        .subscribe(
            SubscriptionConfig.builder(destination, group)
                .workers(WORKERS)
                .transactional(transactions, inbox)
                .build(),
            handler);
  }

  /** Wraps the handler of a request so that its effect is logged. */
  public <T> TransactionalRouteHandler<T> logged(TransactionalRouteHandler<T> handler) {
    return effects.logged(handler);
  }

  /** Routes that answer what the service has stored of an order, for the summary of an order. */
  public HttpRoutes lookup(
      String template, BiFunction<TransactionContext, String, Optional<?>> find) {
    return HttpRoutes.builder(runtime)
        .codec(JacksonCodec.create())
        .route(
            template,
            request ->
                HttpAnswer.okOrNotFound(
                    transactions.run(tx -> find.apply(tx, request.variable("order")))))
        .build();
  }

  /** Sends a parcel to the service beside the shop, if there is one, in the transaction. */
  public void publishParcel(TransactionContext tx, Message parcel) {
    if (neighbours) {
      stored.publish(tx, ShopMessages.PARCELS, parcel);
    }
  }
}
