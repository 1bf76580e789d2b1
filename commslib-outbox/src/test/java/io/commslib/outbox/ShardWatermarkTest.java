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
  private final ShardWatermark watermark =
      new ShardWatermark(JdbcDatabase.builder(h2()).build(), events);

  @AfterEach
  void close() {
    events.close();
    runtime.close();
  }

  private boolean observe(long last, String... writers) {
    return watermark.observe(new ShardWatermark.Observation("server 1", last, Set.of(writers)));
  }

  @Test
  void risesImmediatelyWhileNoTransactionWrites() {
    assertThat(observe(40)).isFalse();
    assertThat(watermark.upTo()).isEqualTo(40);
  }

  @Test
  void waitsForTransactionsThatWereWritingAndForNoLaterOnes() {
    observe(40, "3/1", "4/1");
    assertThat(watermark.upTo()).isZero();
    observe(60, "4/1", "5/1");
    assertThat(watermark.upTo()).as("4/1 may have drawn 40").isZero();
    observe(80, "5/1", "4/2");
    assertThat(watermark.upTo()).isEqualTo(40);
    observe(90, "6/1");
    assertThat(watermark.upTo()).isEqualTo(80);
  }

  @Test
  void waitsForPreparedTransactionsWhateverTheirNameWasBefore() {
    observe(40, "3/1");
    observe(60, "-1/777");
    assertThat(watermark.upTo()).as("may have been 3/1").isZero();
    observe(80);
    assertThat(watermark.upTo()).isEqualTo(80);
  }

  @Test
  void isForgottenWhenTheServerWasRestarted() {
    observe(40);
    assertThat(watermark.observe(new ShardWatermark.Observation("server 2", 50, Set.of("3/1"))))
        .isTrue();
    assertThat(watermark.upTo()).isZero();
    assertThat(watermark.observe(new ShardWatermark.Observation("server 2", 50, Set.of())))
        .isFalse();
    assertThat(watermark.upTo()).isEqualTo(50);
  }

  @Test
  void startsOverWhenIdsAreSetBack() {
    observe(1_000);
    assertThat(observe(3)).isTrue();
    assertThat(watermark.upTo()).isEqualTo(3);
  }

  @Test
  void isReadSeldomUnlessManyRowsAreNew() {
    assertThat(watermark.isStale(0)).as("before the first read").isTrue();
    observe(1_000);
    watermark.readTook(0, millis(2));
    assertThat(watermark.isDue(1_099, millis(900))).as("few rows").isFalse();
    assertThat(watermark.isDue(1_100, millis(41)))
        .as("more than a twentieth of the time")
        .isFalse();
    assertThat(watermark.isDue(1_100, millis(42))).isTrue();
    assertThat(watermark.isStale(millis(1_001))).isFalse();
    assertThat(watermark.isStale(millis(1_002))).as("the server may be another one").isTrue();
  }

  private static long millis(long millis) {
    return Duration.ofMillis(millis).toNanos();
  }

  private static JdbcDataSource h2() {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:watermark");
    return source;
  }
}
