package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The broker's consumer: the library's engine with its inbox. Each message inserts one row in the
 * handler's transaction.
 */
final class ChaosConsumer implements AutoCloseable {

  static final String NAME = "judged";

  /** Further work of a handler, in its transaction. */
  interface Work {
    void run(Delivery delivery);
  }

  private final InMemoryTransport transport = InMemoryTransport.create();
  private final AtomicInteger failureCount = new AtomicInteger();
  private final AtomicLong accepted = new AtomicLong();
  private final ChaosTables tables;
  private final Work work;
  private final String group;
  private final Subscription subscription;

  /**
   * Starts consuming.
   *
   * @param withInbox false for a saboteur whose messages have an effect for each delivery
   */
  ChaosConsumer(JdbcDatabase database, int workers, boolean withInbox, Work work) {
    this.tables = new ChaosTables(database);
    this.work = work;
    transport.declare(DestinationConfig.builder(ChaosWriter.QUEUE).build());
    TransactionRunner transactions = JdbcTransactionRunner.create(database);
    SubscriptionConfig.Builder config =
        SubscriptionConfig.builder(ChaosWriter.QUEUE).workers(workers);
    if (withInbox) {
      config.transactional(transactions, JdbcInbox.create(database, InboxConfig.defaults()));
    } else {
      config.transactional(transactions);
    }
    this.group = config.build().group();
    this.subscription = transport.subscriber().subscribe(config.build(), this::handle);
  }

  /** Accepts a message. */
  void accept(Message message) {
    accepted.incrementAndGet();
    try {
      transport.publisher().publish(ChaosWriter.QUEUE, message).toCompletableFuture().join();
    } catch (CompletionException e) {
      throw new IllegalStateException("the broker itself failed", e);
    }
  }

  /** Blocks while at least this number of messages is accepted and not settled. */
  void awaitFewerUnsettled(long count) {
    while (accepted.get() - settled() >= count) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  private long settled() {
    SubscriptionSnapshot now = subscription.snapshot();
    return now.count(SubscriptionSnapshot.Count.DONE)
        + now.count(SubscriptionSnapshot.Count.DUPLICATE)
        + now.count(SubscriptionSnapshot.Count.DEAD_LETTERED);
  }

  private Settlement handle(Delivery delivery) throws SQLException {
    try {
      tables.insertEffect(
          delivery.transaction().unwrap(Connection.class),
          NAME,
          MessageTrace.of(delivery.message()));
      work.run(delivery);
    } catch (SQLException | RuntimeException e) {
      failureCount.incrementAndGet();
      throw e;
    }
    return Settlement.done();
  }

  /** {@return the number of failed handler runs} */
  int failureCount() {
    return failureCount.get();
  }

  int deadLetterCount() {
    return transport.deadLetters().list(ChaosWriter.QUEUE, group, 1_000).size();
  }

  @Override
  public void close() {
    transport.close();
  }
}
