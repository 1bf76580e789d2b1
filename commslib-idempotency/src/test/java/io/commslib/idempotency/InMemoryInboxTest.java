package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
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

  @Test
  void refusesARetentionOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryInbox.create(transactions, time.time(), Duration.ofMinutes(59)))
        .withMessage("retention: PT59M (expected: PT1H..PT87600H)");
  }
}
