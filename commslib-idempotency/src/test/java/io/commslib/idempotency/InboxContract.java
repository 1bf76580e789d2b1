package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.idempotency.Inbox;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionRunner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every inbox must do. */
public abstract class InboxContract {

  private static final Message MESSAGE = Message.builder("t").id("m-1").build();

  /** Returns the inbox under test, empty. */
  protected abstract Inbox inbox();

  /** Returns transactions on its database. */
  protected abstract TransactionRunner transactions();

  private boolean enter(String consumer, Message message) {
    return transactions().run(tx -> inbox().enter(tx, consumer, message));
  }

  @Test
  void takesAMessageOnceForEachConsumer() {
    assertThat(enter("orders/main", MESSAGE)).isTrue();
    assertThat(enter("orders/main", MESSAGE)).isFalse();
    assertThat(enter("orders/other", MESSAGE)).isTrue();
    assertThat(enter("orders/main", Message.builder("t").id("m-2").build())).isTrue();
  }

  @Test
  void forgetsWhatRolledBack() {
    transactions()
        .run(
            tx -> {
              assertThat(inbox().enter(tx, "c", MESSAGE)).isTrue();
              tx.setRollbackOnly();
              return null;
            });
    try {
      transactions()
          .run(
              tx -> {
                inbox().enter(tx, "c", MESSAGE);
                throw new IllegalStateException("handler failed");
              });
    } catch (IllegalStateException expected) {
      assertThat(expected).hasMessage("handler failed");
    }
    assertThat(enter("c", MESSAGE)).isTrue();
  }

  @Test
  void aDuplicateLeavesTheTransactionUsable() {
    enter("c", MESSAGE);
    boolean another =
        transactions()
            .run(
                tx -> {
                  assertThat(inbox().enter(tx, "c", MESSAGE)).isFalse();
                  return inbox().enter(tx, "c", Message.builder("t").id("m-2").build());
                });
    assertThat(another).isTrue();
    assertThat(enter("c", Message.builder("t").id("m-2").build())).isFalse();
  }

  @Test
  void knowsAMessageByItsIdempotencyKey() {
    enter("c", Message.builder("t").id("a").idempotencyKey("once").build());
    assertThat(enter("c", Message.builder("t").id("b").idempotencyKey("once").build())).isFalse();
  }

  @Test
  void ofManyAtOnceOneIsNew() throws Exception {
    int callers = 8;
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(callers);
    AtomicInteger fresh = new AtomicInteger();
    for (int i = 0; i < callers; i++) {
      new Thread(
              () -> {
                try {
                  go.await();
                  fresh.addAndGet(enter("c", MESSAGE) ? 1 : 0);
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                } finally {
                  done.countDown();
                }
              })
          .start();
    }
    go.countDown();
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(fresh).hasValue(1);
  }

  @Test
  void purgesNothingYoungerThanItsRetention() {
    enter("c", MESSAGE);
    assertThat(inbox().purge()).isZero();
    assertThat(enter("c", MESSAGE)).isFalse();
  }

  @Test
  void refusesATransactionOfAnotherDatabase() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> InMemoryTransactionRunner.create().run(tx -> inbox().enter(tx, "c", MESSAGE)))
        .withMessageStartingWith("transaction: memory (expected: one on ");
  }
}
