package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.tx.TransactionContext;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class InMemoryTransactionRunnerTest {

  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final List<String> seen = new ArrayList<>();

  @Test
  void commitsInCallOrderThenRunsTheHooks() {
    String result =
        transactions.run(
            tx -> {
              InMemoryTransaction resource = tx.unwrap(InMemoryTransaction.class);
              assertThat(tx.afterCommit(() -> seen.add("hook"))).isTrue();
              resource.onCommit(() -> seen.add("first"));
              resource.onCommit(() -> seen.add("second"));
              resource.onRollback(() -> seen.add("undo"));
              assertThat(seen).isEmpty();
              return "done";
            });
    assertThat(result).isEqualTo("done");
    assertThat(seen).containsExactly("first", "second", "hook");
  }

  @Test
  void rollsBackInReverseOrderAndRethrowsTheFailure() {
    Exception failure = new Exception("business");
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      register(tx.unwrap(InMemoryTransaction.class));
                      tx.afterCommit(() -> seen.add("hook"));
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThat(seen).containsExactly("undo second", "undo first");
  }

  @Test
  void rollsBackOnAnError() {
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      register(tx.unwrap(InMemoryTransaction.class));
                      throw new StackOverflowError();
                    }))
        .isInstanceOf(StackOverflowError.class);
    assertThat(seen).containsExactly("undo second", "undo first");
  }

  @Test
  void rollsBackButReturnsTheResultWhenMarkedByAnotherThread() throws Exception {
    String result =
        transactions.<String, InterruptedException>run(
            tx -> {
              register(tx.unwrap(InMemoryTransaction.class));
              tx.afterCommit(() -> seen.add("hook"));
              Thread other = new Thread(tx::setRollbackOnly);
              other.start();
              other.join();
              assertThat(tx.isRollbackOnly()).isTrue();
              return "retry";
            });
    assertThat(result).isEqualTo("retry");
    assertThat(seen).containsExactly("undo second", "undo first");
  }

  @Test
  void aMarkThatComesAfterTheCommitBeganChangesNothing() {
    transactions.run(
        tx -> {
          tx.unwrap(InMemoryTransaction.class)
              .onCommit(
                  () -> {
                    tx.setRollbackOnly();
                    assertThat(tx.isRollbackOnly()).isFalse();
                    seen.add("committed");
                  });
          return null;
        });
    assertThat(seen).containsExactly("committed");
  }

  @Test
  void aHookThatFailsStopsNeitherTheOthersNorTheCaller() {
    transactions.run(
        tx -> {
          tx.afterCommit(
              () -> {
                throw new IllegalStateException("a hook that fails");
              });
          return tx.afterCommit(() -> seen.add("second"));
        });
    assertThat(seen).containsExactly("second");
  }

  @Test
  void anErrorOfAHookStopsNeitherTheOthersNorTheCaller() {
    List<Error> errors =
        List.of(
            new AssertionError(), new StackOverflowError(), new NoClassDefFoundError("of a hook"));
    transactions.run(
        tx -> {
          for (Error error : errors) {
            tx.afterCommit(
                () -> {
                  throw error;
                });
            tx.afterCommit(() -> seen.add(error.getClass().getSimpleName()));
          }
          return null;
        });
    assertThat(seen)
        .containsExactly("AssertionError", "StackOverflowError", "NoClassDefFoundError");
  }

  @Test
  void anExceptionThatCanNotBePrintedStopsNothingEither() {
    transactions.run(
        tx -> {
          tx.afterCommit(
              () -> {
                throw new IllegalStateException() {
                  private static final long serialVersionUID = 1L;

                  @Override
                  public String getMessage() {
                    throw new IllegalStateException("no message either");
                  }
                };
              });
          return tx.afterCommit(() -> seen.add("second"));
        });
    assertThat(seen).containsExactly("second");
  }

  @Test
  void hooksDoNotSeeAnInterruptAndTheCallerDoes() {
    transactions.run(
        tx -> {
          tx.afterCommit(() -> seen.add("1: " + Thread.currentThread().isInterrupted()));
          tx.afterCommit(() -> Thread.currentThread().interrupt());
          tx.afterCommit(() -> seen.add("3: " + Thread.currentThread().isInterrupted()));
          Thread.currentThread().interrupt();
          return null;
        });
    assertThat(Thread.interrupted()).isTrue();
    assertThat(seen).containsExactly("1: false", "3: false");
  }

  @Test
  void aCommitActionThatFailsDoesNotStopTheOthers() {
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      InMemoryTransaction resource = tx.unwrap(InMemoryTransaction.class);
                      resource.onCommit(
                          () -> {
                            throw new IllegalStateException("a store");
                          });
                      resource.onCommit(() -> seen.add("another store"));
                      return tx.afterCommit(() -> seen.add("hook"));
                    }))
        .hasMessage("a store");
    assertThat(seen).containsExactly("another store", "hook");
  }

  @Test
  void aTransactionThatIsOverRefusesEveryCall() {
    List<TransactionContext> kept = new ArrayList<>();
    List<InMemoryTransaction> resources = new ArrayList<>();
    transactions.run(
        tx -> {
          kept.add(tx);
          resources.add(tx.unwrap(InMemoryTransaction.class));
          return tx.afterCommit(() -> assertOver(tx));
        });
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      kept.add(tx);
                      resources.add(tx.unwrap(InMemoryTransaction.class));
                      throw new IllegalStateException("business");
                    }))
        .hasMessage("business");
    kept.forEach(InMemoryTransactionRunnerTest::assertOver);
    for (InMemoryTransaction resource : resources) {
      refusedAsOver(() -> resource.onCommit(() -> seen.add("never")));
      refusedAsOver(() -> resource.onRollback(() -> seen.add("never")));
    }
    assertThat(seen).isEmpty();
  }

  private static void assertOver(TransactionContext tx) {
    refusedAsOver(() -> tx.unwrap(InMemoryTransaction.class));
    refusedAsOver(() -> tx.afterCommit(() -> {}));
  }

  private static void refusedAsOver(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("COMMS-MEMORY-009: the transaction is over (expected: ");
  }

  @Test
  void eachRunnerIsADatabaseOfItsOwn() {
    assertThat(InMemoryTransactionRunner.create().database()).isNotEqualTo(transactions.database());
    assertThat(transactions.<Object, RuntimeException>run(tx -> tx.database()))
        .isEqualTo(transactions.database());
  }

  @Test
  void hasNoOtherResource() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> transactions.run(tx -> tx.unwrap(String.class)))
        .withMessageStartingWith("unwrap: java.lang.String (expected: ");
  }

  private void register(InMemoryTransaction resource) {
    resource.onCommit(() -> seen.add("never"));
    resource.onRollback(() -> seen.add("undo first"));
    resource.onRollback(() -> seen.add("undo second"));
  }
}
