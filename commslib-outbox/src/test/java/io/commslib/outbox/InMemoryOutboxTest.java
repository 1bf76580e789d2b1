package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class InMemoryOutboxTest {

  private static final Destination QUEUE = Destination.queue("q");

  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();

  @Test
  void keepsWhatCommittedAndNothingElse() {
    InMemoryOutbox outbox = InMemoryOutbox.create(transactions);
    transactions.run(
        tx -> {
          outbox.publishAll(tx, QUEUE, List.of(message("a"), message("b")));
          assertThat(outbox.committed()).isEmpty();
          return null;
        });
    transactions.run(
        tx -> {
          outbox.publish(tx, QUEUE, message("never"));
          tx.setRollbackOnly();
          return null;
        });
    assertThat(outbox.committed())
        .extracting(entry -> entry.message().id())
        .containsExactly("a", "b");
    assertThat(outbox.committed()).extracting(InMemoryOutbox.Committed::to).containsOnly(QUEUE);
  }

  @Test
  void publishesAfterTheCommitIfAsked() throws Exception {
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      transport.declare(DestinationConfig.builder(QUEUE).build());
      CountDownLatch handled = new CountDownLatch(1);
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(QUEUE).build(),
              delivery -> {
                handled.countDown();
                return Settlement.done();
              });
      InMemoryOutbox outbox = InMemoryOutbox.create(transactions, transport.publisher());
      transactions.run(
          tx -> {
            outbox.publish(tx, QUEUE, message("a"));
            return null;
          });
      assertThat(handled.await(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void refusesATransactionOfAnotherRunner() {
    InMemoryOutbox outbox = InMemoryOutbox.create(transactions);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                InMemoryTransactionRunner.create()
                    .run(
                        tx -> {
                          outbox.publish(tx, QUEUE, message("a"));
                          return null;
                        }));
  }

  private static Message message(String id) {
    return Message.builder("t").id(id).build();
  }
}
