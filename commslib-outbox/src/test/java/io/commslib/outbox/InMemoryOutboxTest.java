package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class InMemoryOutboxTest {

  private static final Destination ORDERS = Destination.topic("orders");

  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final InMemoryOutbox outbox = InMemoryOutbox.create(transactions);

  @Test
  void showsCommittedMessagesInOrder() {
    transactions.run(
        tx -> {
          outbox.publish(tx, ORDERS, message("1"));
          outbox.publishAll(tx, ORDERS, List.of(message("2"), message("3")));
          assertThat(outbox.committed()).as("not before the commit").isEmpty();
          return null;
        });
    assertThat(outbox.committed())
        .extracting(entry -> entry.message().id())
        .containsExactly("1", "2", "3");
    assertThat(outbox.committed().get(0).to()).isEqualTo(ORDERS);
  }

  @Test
  void showsNothingThatRolledBack() {
    transactions.run(
        tx -> {
          outbox.publish(tx, ORDERS, message("marked"));
          tx.setRollbackOnly();
          return null;
        });
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      outbox.publish(tx, ORDERS, message("thrown"));
                      throw new IllegalStateException("business");
                    }));
    assertThat(outbox.committed()).isEmpty();
  }

  @Test
  void publishesAfterTheCommit() {
    RecordingTransport transport = new RecordingTransport();
    InMemoryOutbox publishing = InMemoryOutbox.create(transactions, transport.publisher());
    transactions.run(
        tx -> {
          publishing.publish(tx, ORDERS, message("1"));
          assertThat(transport.ids()).isEmpty();
          return null;
        });
    assertThat(transport.confirmed()).containsExactly("1");
  }

  @Test
  void aFailedPublishIsThrownWhateverCarriesIt() {
    RecordingTransport transport = new RecordingTransport();
    transport.failWhen((to, message) -> FailureKind.PERMANENT);
    InMemoryOutbox publishing =
        InMemoryOutbox.create(
            transactions,
            (to, message) ->
                transport
                    .publisher()
                    .publish(to, message)
                    .toCompletableFuture()
                    .handle(
                        (receipt, failure) -> {
                          throw new CompletionException(new ExecutionException(failure));
                        }));
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      publishing.publish(tx, ORDERS, message("1"));
                      return null;
                    }))
        .isInstanceOf(PublishException.class);
  }

  @Test
  void throwsTheFailureOfAPublishToTheTest() {
    RecordingTransport transport = new RecordingTransport();
    transport.failWhen((to, message) -> FailureKind.PERMANENT);
    InMemoryOutbox publishing = InMemoryOutbox.create(transactions, transport.publisher());
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      publishing.publish(tx, ORDERS, message("1"));
                      return null;
                    }))
        .isInstanceOf(PublishException.class)
        .hasMessageStartingWith("COMMS-TEST-001");
  }

  @Test
  void refusesATransactionOfAnotherRunner() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                InMemoryTransactionRunner.create()
                    .run(
                        tx -> {
                          outbox.publish(tx, ORDERS, message("1"));
                          return null;
                        }))
        .withMessageStartingWith("transaction:");
  }

  private static Message message(String id) {
    return Message.builder("t").id(id).build();
  }
}
