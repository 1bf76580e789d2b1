package io.commslib.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AwaitTest {

  @Test
  void returnsOnceTheConditionHolds() {
    AtomicInteger asked = new AtomicInteger();
    Await.until("third time", Duration.ofSeconds(30), () -> asked.incrementAndGet() == 3);
    assertThat(asked).hasValue(3);
  }

  @Test
  void failsAfterTheLimitNamingTheCondition() {
    assertThatThrownBy(() -> Await.until("pigs fly", Duration.ofMillis(20), () -> false))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("pigs fly");
  }

  @Test
  void failsOnceAConditionBreaks() {
    AtomicInteger asked = new AtomicInteger();
    assertThatThrownBy(
            () -> Await.stays("calm", Duration.ofSeconds(30), () -> asked.incrementAndGet() < 3))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("calm");
  }

  @Test
  void checksForTheWholePeriod() {
    long start = System.nanoTime();
    Await.stays("calm", Duration.ofMillis(30), () -> true);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(29));
  }

  @Test
  void anInterruptEndsTheWaitAndStaysSet() {
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> Await.until("never", Duration.ofSeconds(30), () -> false))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("interrupted");
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
