package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The threads of handlers; they are virtual only on a JVM that does not pin them. */
class WorkerThreadsTest {

  private static final Destination ORDERS = Destination.queue("orders");

  /** Transactions of a database whose waits spin. */
  private record Spinning(TransactionRunner transactions) implements TransactionRunner {
    @Override
    public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
      return transactions.run(work);
    }

    @Override
    public boolean needsPlatformThreads() {
      return true;
    }

    @Override
    public DatabaseId database() {
      return transactions.database();
    }
  }

  private static Class<?> threadOfHandler(TransactionRunner transactions) throws Exception {
    CompletableFuture<Class<?>> seen = new CompletableFuture<>();
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(ORDERS).transactional(transactions).build(),
              delivery -> {
                seen.complete(Thread.currentThread().getClass());
                return Settlement.done();
              });
      transport.publisher().publish(ORDERS, Message.builder("test").build());
      return seen.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void handlersOnADatabaseThatSpinsRunOnPlatformThreads() throws Exception {
    assertThat(threadOfHandler(new Spinning(InMemoryTransactionRunner.create())))
        .isEqualTo(Thread.class);
  }

  @Test
  void otherHandlersRunOnVirtualThreadsWhereTheyWaitUnpinned() throws Exception {
    boolean virtual = !threadOfHandler(InMemoryTransactionRunner.create()).equals(Thread.class);
    assertThat(virtual).isEqualTo(Runtime.version().feature() >= 24);
  }
}
