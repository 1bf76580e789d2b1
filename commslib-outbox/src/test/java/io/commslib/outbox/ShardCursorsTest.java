package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ShardCursorsTest {

  private static final long SECOND = 1_000_000_000L;

  private final byte[] payload = {1};
  private final ShardCursors cursors = new ShardCursors(0);

  @Test
  void looksAheadOnlyBehindAFullLookAndNotForLong() {
    assertThat(cursors.looksAhead(1, false)).isFalse();
    cursors.tookWhole(0, 1_000_000);
    cursors.found(List.of(row(7)), true);
    assertThat(cursors.looksAhead(2_000_000, false)).isTrue();
    assertThat(cursors.after(3, true)).isEqualTo(7);
    assertThat(cursors.after(3, false)).isZero();
    assertThat(cursors.looksAhead(SECOND, false)).as("what commits late is due").isFalse();
  }

  @Test
  void looksFromTheMarkAgainOnceSomethingHasToBeReadAgain() {
    cursors.tookWhole(0, 1_000_000);
    cursors.found(List.of(row(7)), true);
    cursors.reset();
    assertThat(cursors.looksAhead(2_000_000, true)).isFalse();
    assertThat(cursors.after(3, true)).isZero();
  }

  @Test
  void raisesAMarkNeitherOverARowNorOverWhatIsHeldNorOverWhatMayStillCommit() {
    cursors.raiseMarks(List.of(3, 4), List.of(row(20)), List.of(), 100);
    assertThat(cursors.after(3, false)).isEqualTo(19);
    assertThat(cursors.after(4, false)).isEqualTo(100);
    assertThat(cursors.after(5, false)).as("not looked at").isZero();
    cursors.raiseMarks(List.of(3), List.of(row(50)), List.of(row(40)), 100);
    assertThat(cursors.after(3, false)).isEqualTo(39);
    cursors.raiseMarks(List.of(3), List.of(), List.of(), 60);
    assertThat(cursors.after(3, false)).isEqualTo(60);
  }

  @Test
  void castsTheNetFromTheStartEveryHalfMinute() {
    cursors.raiseMarks(List.of(3), List.of(), List.of(), 100);
    cursors.looksAhead(29 * SECOND, false);
    assertThat(cursors.after(3, false)).isEqualTo(100);
    assertThat(cursors.looksAhead(30 * SECOND, true)).isFalse();
    assertThat(cursors.after(3, false)).isZero();
  }

  @Test
  void forgetsMarksWhenRowsMayHaveBeenPutBack() {
    cursors.raiseMarks(List.of(3), List.of(), List.of(), 100);
    cursors.forget();
    assertThat(cursors.after(3, false)).isZero();
  }

  private OutboxRow row(long id) {
    return new OutboxRow(3, id, "queue:orders", "k", payload, "");
  }
}
