package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
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
  void rollsBackInReverseOrderAndThrowsWhatTheWorkThrew() {
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
