package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;
import java.util.Set;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;

class SettledIdsTest {

  private final SettledIds ids = new SettledIds(JdbcDatabase.builder(h2()).build());

  @Test
  void settlesAtOnceWhatNobodyIsWriting() {
    ids.take(40, Set.of());
    assertThat(ids.upTo()).isEqualTo(40);
  }

  @Test
  void waitsForAllWhoWereWritingAndForNobodyWhoCameLater() {
    ids.take(40, Set.of("3/1", "4/1"));
    assertThat(ids.upTo()).isZero();
    ids.take(60, Set.of("4/1", "5/1"));
    assertThat(ids.upTo()).as("4/1 may have drawn 40").isZero();
    ids.take(80, Set.of("5/1", "4/2"));
    assertThat(ids.upTo()).isEqualTo(40);
    ids.take(90, Set.of("6/1"));
    assertThat(ids.upTo()).isEqualTo(80);
  }

  @Test
  void isLookedForSeldomAndNotForAFewRows() {
    assertThat(ids.isDue(0, 0)).as("the first time").isTrue();
    ids.take(1_000, Set.of());
    ids.took(0, millis(2));
    assertThat(ids.isDue(1_000, millis(900))).as("all is settled").isFalse();
    assertThat(ids.isDue(1_050, millis(900))).as("a few rows").isFalse();
    assertThat(ids.isDue(1_050, millis(1_002))).isTrue();
    assertThat(ids.isDue(1_100, millis(41))).as("a twentieth of the time").isFalse();
    assertThat(ids.isDue(1_100, millis(42))).isTrue();
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
