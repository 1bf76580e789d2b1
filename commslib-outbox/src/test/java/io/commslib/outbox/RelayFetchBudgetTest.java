package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class RelayFetchBudgetTest {

  private static final int MIB = 1 << 20;

  private final RelayFetchBudget budget = new RelayFetchBudget(16 * MIB);

  private static List<OutboxRow> rows(int count, long bytes) {
    return Collections.nCopies(count, OutboxRow.withoutBody(0, 1, "queue:orders", "k", bytes));
  }

  @Test
  void allInlineBodiesOfAFetchAreWithinTheBudget() {
    for (int rows : new int[] {1, 3, 16, 128, 1_000}) {
      assertThat(rows * budget.maxInlineBytes(rows)).isBetween(4L * MIB, 16L * MIB);
    }
  }

  @Test
  void bodiesFetchedTogetherAreHalfOfTheBudgetOrOneBody() {
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 0)).isEqualTo(8);
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 97)).isEqualTo(3);
    assertThat(budget.bodiesPerFetch(rows(100, 10 * MIB), 0)).isEqualTo(1);
    assertThat(budget.bodiesPerFetch(rows(100, 64 * MIB), 0)).isEqualTo(1);
  }

  @Test
  void aFailureHalvesTheBudgetAndASuccessDoublesItAgain() {
    budget.failed();
    budget.failed();
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 0)).isEqualTo(2);
    assertThat(budget.maxInlineBytes(16)).isEqualTo(MIB / 4);
    assertThat(budget.maxRows(128)).isEqualTo(32);
    budget.succeeded();
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 0)).isEqualTo(4);
    for (int i = 0; i < 100; i++) {
      budget.failed();
    }
    assertThat(budget.maxRows(128)).isEqualTo(1);
    assertThat(budget.maxInlineBytes(128)).isPositive();
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 0)).isEqualTo(1);
    for (int i = 0; i < 100; i++) {
      budget.succeeded();
    }
    assertThat(budget.bodiesPerFetch(rows(100, MIB), 0)).isEqualTo(8);
  }
}
