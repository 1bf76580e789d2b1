package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class InMemoryInboxTest extends InboxContract {

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final InMemoryInbox inbox =
      InMemoryInbox.create(transactions, time.time(), Duration.ofDays(1));

  @Override
  protected Inbox inbox() {
    return inbox;
  }

  @Override
  protected TransactionRunner transactions() {
    return transactions;
  }

  @Test
  void purgesWhatIsOlderThanItsRetention() {
    Message message = Message.builder("t").id("m").build();
    transactions.run(tx -> inbox.enter(tx, "c", message));
    time.advance(Duration.ofDays(1).plusSeconds(1));
    assertThat(inbox.purge()).isEqualTo(1);
    boolean fresh = transactions.run(tx -> inbox.enter(tx, "c", message));
    assertThat(fresh).isTrue();
  }
}
