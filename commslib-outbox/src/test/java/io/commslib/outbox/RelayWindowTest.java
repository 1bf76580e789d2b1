package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RelayWindowTest {

  private static final Exception FAILURE = new Exception("refused");

  private final RelayWindow single = new RelayWindow(1);
  private final RelayWindow pipelined = new RelayWindow(Integer.MAX_VALUE);

  @Test
  void publishesOneRowOfAKeyAtATime() {
    assertThat(single.add(row(1, "k"))).isTrue();
    assertThat(single.add(row(2, "k"))).isFalse();
    assertThat(single.add(row(3, "other"))).isTrue();
    assertThat(single.add(row(4, null))).isTrue();
    assertThat(single.confirmed(row(1, "k")).next()).isEqualTo(row(2, "k"));
    assertThat(single.confirmed(row(2, "k")).next()).isNull();
  }

  @Test
  void acceptsNoRowTwiceBeforeItIsDeleted() {
    single.add(row(1, "k"));
    single.confirmed(row(1, "k"));
    assertThat(single.add(row(1, "k"))).isFalse();
    assertThat(single.size()).isEqualTo(1);
    single.deleted(List.of(row(1, "k")));
    assertThat(single.size()).isZero();
    assertThat(single.bytes()).isZero();
    assertThat(single.shards()).isEmpty();
    assertThat(single.rows("queue:orders")).isZero();
  }

  @Test
  void removesRowsThatWaitBehindAFailure() {
    single.add(row(1, "k"));
    single.add(row(2, "k"));
    RelayWindow.Step step = single.failed(row(1, "k"), FAILURE);
    assertThat(step.failure().row()).isEqualTo(row(1, "k"));
    assertThat(step.next()).isNull();
    assertThat(single.size()).isZero();
    assertThat(single.add(row(1, "k"))).as("read again").isTrue();
  }

  @Test
  void decidesAboutTheEarliestFailureOnceAllRowsOfTheKeyHaveEnded() {
    for (int id = 1; id <= 4; id++) {
      assertThat(pipelined.add(row(id, "k"))).isTrue();
    }
    assertThat(pipelined.failed(row(4, "k"), FAILURE).failure()).isNull();
    assertThat(pipelined.add(row(5, "k"))).as("the lane has failed").isFalse();
    assertThat(pipelined.rows()).extracting(OutboxRow::id).doesNotContain(5L);
    assertThat(pipelined.failed(row(2, "k"), FAILURE).failure()).isNull();
    assertThat(pipelined.confirmed(row(1, "k")).failure()).isNull();
    assertThat(pipelined.failed(row(3, "k"), FAILURE).failure().row()).isEqualTo(row(2, "k"));
    assertThat(pipelined.add(row(2, "k"))).isTrue();
  }

  @Test
  void aWithdrawnRowNeedsNoDecision() {
    single.add(row(1, "k"));
    single.add(row(2, "k"));
    single.withdraw(row(1, "k"));
    assertThat(single.size()).isZero();
    assertThat(single.add(row(1, "k"))).isTrue();
  }

  @Test
  void dropsWaitingRowsButNotThoseInFlight() {
    single.add(row(1, "k"));
    single.add(row(2, "k"));
    single.dropWaiting(row -> true);
    assertThat(single.rows()).extracting(OutboxRow::id).containsExactly(1L);
    assertThat(single.add(row(2, "k"))).isFalse();
    assertThat(single.confirmed(row(1, "k")).next()).isEqualTo(row(2, "k"));
  }

  private final byte[] payload = {1};

  private OutboxRow row(long id, String key) {
    return new OutboxRow(3, id, "queue:orders", key, payload, "");
  }
}
