package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class InMemoryInboxTest extends InboxContract {

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();

  @Override
  protected TransactionRunner transactions() {
    return transactions;
  }

  @Override
  protected TransactionRunner foreignTransactions() {
    return InMemoryTransactionRunner.create();
  }

  @Override
  protected Inbox inbox(Duration lockTimeout) {
    return new InMemoryInbox(transactions, time.time(), RETENTION, lockTimeout);
  }

  @Override
  protected void age(Duration by) {
    time.advance(by);
  }

  @Override
  protected String waitedTooLong() {
    return Pattern.quote(
        "COMMS-IDEMPOTENCY-002: inbox: another transaction has been processing the same message for PT0.3S"
            + " (expected: it ends within that time)");
  }

  @Test
  void aDuplicateThatIsInterruptedWhileItWaitsIsCancelled() {
    Inbox inbox = inbox(Duration.ofHours(1));
    Message message = Message.builder("t").id("m").build();
    transactions.<Boolean, RuntimeException>run(
        first -> {
          inbox.enter(first, "consumer", message);
          Thread.currentThread().interrupt();
          assertThatThrownBy(
                  () ->
                      transactions.<Boolean, RuntimeException>run(
                          second -> inbox.enter(second, "consumer", message)))
              .isInstanceOfSatisfying(
                  StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CANCELLED))
              .hasMessage(
                  "COMMS-IDEMPOTENCY-003: inbox: interrupted while another transaction was processing"
                      + " the same message");
          assertThat(Thread.interrupted()).as("still interrupted").isTrue();
          return true;
        });
  }

  @Test
  void refusesARetentionOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryInbox.create(transactions, time.time(), Duration.ofMinutes(59)))
        .withMessage("retention: PT59M (expected: PT1H..PT87600H)");
  }
}
