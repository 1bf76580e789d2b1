package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ShardCursorsTest {

  private static final long SECOND = 1_000_000_000L;
  private static final int EACH = 10;
  private static final int LIMIT = 100;

  private final byte[] payload = {1};
  private final ShardCursors cursors = new ShardCursors(8, 0);

  @Test
  void readsAfterTheWatermarkAndNoFurther() {
    cursors.fetched(List.of(3, 4), List.of(row(3, 7), row(3, 90)), EACH, LIMIT, 50);
    assertThat(cursors.after(3)).as("90 may be followed by a late 51").isEqualTo(50);
    assertThat(cursors.after(4)).isEqualTo(50);
    assertThat(cursors.after(5)).as("not read").isZero();
    assertThat(cursors.beyondCursors(List.of(row(3, 7), row(3, 90)), List.of(row(5, 1))))
        .containsExactly(90, 1);
    assertThat(cursors.highestId()).isEqualTo(90);
  }

  @Test
  void listsTheRowsInMemoryThatAReadWouldFindAgain() {
    List<OutboxRow> inMemory = List.of(row(3, 7), row(3, 9));
    cursors.fetched(List.of(3), inMemory, EACH, LIMIT, 50);
    assertThat(cursors.beyondCursors(inMemory, List.of()))
        .as("none is beyond the cursor")
        .isEmpty();
    cursors.rescan();
    assertThat(cursors.beyondCursors(inMemory, List.of())).containsExactly(7, 9);
    cursors.fetched(List.of(3), inMemory, EACH, LIMIT, 50);
    assertThat(cursors.beyondCursors(inMemory, List.of())).isEmpty();
    cursors.rowsAddedUnseen();
    assertThat(cursors.beyondCursors(List.of(row(3, 60)), List.of())).containsExactly(60);
    cursors.fetched(List.of(3), inMemory, EACH, LIMIT, 70);
    assertThat(cursors.beyondCursors(List.of(row(3, 60)), List.of())).isEmpty();
    cursors.fetched(List.of(3), List.of(row(3, 80)), EACH, LIMIT, 70);
    assertThat(cursors.beyondCursors(List.of(), List.of(row(3, 80)))).containsExactly(80);
    cursors.fullRescan();
    assertThat(cursors.beyondCursors(inMemory, List.of())).containsExactly(7, 9);
  }

  @Test
  void skipsNoRowOfAShardThatWasNotReadToItsEnd() {
    List<OutboxRow> two = List.of(row(3, 7), row(3, 9));
    cursors.fetched(List.of(3), two, 2, LIMIT, 50);
    assertThat(cursors.after(3)).as("the maximum of the shard").isEqualTo(9);
    cursors.fetched(List.of(4, 3, 5), two, EACH, 2, 60);
    assertThat(cursors.after(4)).as("before the last shard").isEqualTo(60);
    assertThat(cursors.after(3)).as("the last shard").isEqualTo(9);
    assertThat(cursors.after(5)).as("behind the last shard").isZero();
  }

  @Test
  void aRescanBeginsBelowTheRowsInMemory() {
    OutboxRow inMemory = row(3, 20);
    cursors.fetched(List.of(3, 4), List.of(row(3, 10), inMemory), EACH, LIMIT, 100);
    cursors.raiseMarks(List.of(inMemory));
    cursors.rescan();
    assertThat(cursors.after(3)).isEqualTo(19);
    assertThat(cursors.after(4)).isEqualTo(100);
  }

  @Test
  void raisesNoMarkOverRowsThatMustBeReadAgain() {
    cursors.fetched(List.of(3), List.of(row(3, 10)), EACH, LIMIT, 100);
    cursors.rescan();
    cursors.raiseMarks(List.of());
    assertThat(cursors.after(3)).isZero();
  }

  @Test
  void readsFromTheStartEveryHalfMinute() {
    cursors.fetched(List.of(3), List.of(), EACH, LIMIT, 100);
    cursors.raiseMarks(List.of());
    cursors.fullRescanIfDue(29 * SECOND);
    assertThat(cursors.after(3)).isEqualTo(100);
    cursors.fullRescanIfDue(30 * SECOND);
    assertThat(cursors.after(3)).isZero();
  }

  @Test
  void aFullRescanResetsTheMarks() {
    cursors.fetched(List.of(3), List.of(), EACH, LIMIT, 100);
    cursors.raiseMarks(List.of());
    cursors.fullRescan();
    assertThat(cursors.after(3)).isZero();
  }

  private OutboxRow row(int shard, long id) {
    return new OutboxRow(shard, id, "queue:orders", "k", payload, "");
  }
}
