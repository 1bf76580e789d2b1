package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RetryAfterTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  @Test
  void readsSecondsAndDates() {
    assertThat(RetryAfter.parse("7", NOW)).isEqualTo(Duration.ofSeconds(7));
    assertThat(RetryAfter.parse(" 0 ", NOW)).isEqualTo(Duration.ZERO);
    assertThat(RetryAfter.parse("Fri, 02 Jan 2026 03:04:15 GMT", NOW))
        .isEqualTo(Duration.ofSeconds(10));
    assertThat(RetryAfter.parse("Fri, 02 Jan 2026 03:03:05 GMT", NOW)).isEqualTo(Duration.ZERO);
  }

  @Test
  void whatIsNoAdviceIsNone() {
    for (String value :
        new String[] {null, "", " ", "-3", "1.5", "soon", "Fri, 99 Jan 2026", "1e3"}) {
      assertThat(RetryAfter.parse(value, NOW)).as(value).isNull();
    }
  }

  @Test
  void anEnormousNumberIsNoError() {
    assertThat(RetryAfter.parse("9".repeat(5_000), NOW)).isGreaterThan(Duration.ofDays(10_000));
  }
}
