package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;
import java.util.Set;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ShardWatermarkTest {

  private final SystemRuntime runtime = SystemRuntime.create();
  private final OutboxEvents events = new OutboxEvents(runtime, CommsObserver.none(), "test");
  private final ShardWatermark ids = new ShardWatermark(JdbcDatabase.builder(h2()).build(), events);

  @AfterEach
  void close() {
    events.close();
    runtime.close();
  }

  private boolean take(long last, String... writers) {
    return ids.observe(new ShardWatermark.Observation("server 1", last, Set.of(writers)));
  }

  @Test
  void settlesAtOnceWhatNobodyIsWriting() {
    assertThat(take(40)).isFalse();
    assertThat(ids.upTo()).isEqualTo(40);
  }

  @Test
  void waitsForAllWhoWereWritingAndForNobodyWhoCameLater() {
    take(40, "3/1", "4/1");
    assertThat(ids.upTo()).isZero();
    take(60, "4/1", "5/1");
    assertThat(ids.upTo()).as("4/1 may have drawn 40").isZero();
    take(80, "5/1", "4/2");
    assertThat(ids.upTo()).isEqualTo(40);
    take(90, "6/1");
    assertThat(ids.upTo()).isEqualTo(80);
  }

  @Test
  void waitsForPreparedTransactionsWhateverTheirNameWas() {
    take(40, "3/1");
    take(60, "-1/777");
    assertThat(ids.upTo()).as("may have been 3/1").isZero();
    take(80);
    assertThat(ids.upTo()).isEqualTo(80);
  }

  @Test
  void knowsNothingOfAServerThatWasStartedAgain() {
    take(40);
    assertThat(ids.observe(new ShardWatermark.Observation("server 2", 50, Set.of("3/1")))).isTrue();
    assertThat(ids.upTo()).isZero();
    assertThat(ids.observe(new ShardWatermark.Observation("server 2", 50, Set.of()))).isFalse();
    assertThat(ids.upTo()).isEqualTo(50);
  }

  @Test
  void beginsAnewWhenIdsAreSetBack() {
    take(1_000);
    assertThat(take(3)).isTrue();
    assertThat(ids.upTo()).isEqualTo(3);
  }

  @Test
  void isLookedForSeldomUnlessMuchIsNew() {
    assertThat(ids.isStale(0)).as("the first time").isTrue();
    take(1_000);
    ids.readTook(0, millis(2));
    assertThat(ids.isDue(1_099, millis(900))).as("a few rows").isFalse();
    assertThat(ids.isDue(1_100, millis(41))).as("a twentieth of the time").isFalse();
    assertThat(ids.isDue(1_100, millis(42))).isTrue();
    assertThat(ids.isStale(millis(1_001))).isFalse();
    assertThat(ids.isStale(millis(1_002))).as("the server may be another by now").isTrue();
  }

  private static long millis(long millis) {
    return Duration.ofMillis(millis).toNanos();
  }

  private static JdbcDataSource h2() {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:settled");
    return source;
  }
}
