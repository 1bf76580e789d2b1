package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class InboxUseTest {

  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final EngineFixture fixture = new EngineFixture();

  @Test
  void refusesAnInboxThatForgetsBeforeTheLastRetry() {
    SubscriptionConfig.Builder config =
        fixture
            .config()
            .retry(
                RetrySchedule.builder().delays(Duration.ofMinutes(40), Duration.ofHours(1)).build())
            .transactional(transactions, new Counting(transactions.database()));
    assertThatIllegalArgumentException()
        .isThrownBy(config::build)
        .withMessage("inbox retention: PT1H (expected: above the delays of retry, PT1H40M)");
  }

  @Test
  void entersABatchInOneCallAndPassesTheNewMessages() {
    Counting inbox = new Counting(transactions.database());
    List<String> handled = new ArrayList<>();
    BatchHandler handler =
        batch -> {
          batch.forEach(delivery -> handled.add(delivery.message().id()));
          return Collections.nCopies(batch.size(), Settlement.done());
        };
    fixture.start(
        fixture
            .config()
            .workers(1)
            .retry(RetrySchedule.builder().withoutDelays().build())
            .batch(BatchBounds.of(10))
            .transactional(transactions, inbox)
            .build(),
        handler);
    fixture.engine().pause();
    for (String id : List.of("a", "seen", "b", "c")) {
      fixture.accept(id, null);
    }
    fixture.engine().resume();
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(inbox.calls).containsExactly(List.of("a", "seen", "b", "c"));
    assertThat(handled).containsExactly("a", "b", "c");
    assertThat(fixture.engine().snapshot().count(Count.DUPLICATE)).isEqualTo(1);
  }

  private static final class Counting implements Inbox {
    final List<List<String>> calls = new ArrayList<>();
    private final DatabaseId database;

    Counting(DatabaseId database) {
      this.database = database;
    }

    @Override
    public boolean enter(TransactionContext tx, String consumer, Message message) {
      throw new AssertionError("one by one");
    }

    @Override
    public boolean[] enterAll(TransactionContext tx, String consumer, List<Message> messages) {
      calls.add(messages.stream().map(Message::id).toList());
      boolean[] fresh = new boolean[messages.size()];
      for (int i = 0; i < fresh.length; i++) {
        fresh[i] = !messages.get(i).id().equals("seen");
      }
      return fresh;
    }

    @Override
    public Duration retention() {
      return Duration.ofHours(1);
    }

    @Override
    public long purge() {
      return 0;
    }

    @Override
    public DatabaseId database() {
      return database;
    }
  }
}
