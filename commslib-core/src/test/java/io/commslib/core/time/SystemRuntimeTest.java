package io.commslib.core.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class SystemRuntimeTest {

  @Test
  void workersAreVirtualThreadsOnRequestIfTheJvmHasThem() throws Exception {
    if (Runtime.version().feature() < 21) {
      assertThatThrownBy(SystemRuntime::virtualThreads)
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("21 or newer");
      return;
    }
    AtomicReference<Thread> seen = new AtomicReference<>();
    try (SystemRuntime runtime = SystemRuntime.virtualThreads();
        Workers workers = runtime.newWorkers("test", 2)) {
      workers.execute(() -> seen.set(Thread.currentThread()));
      assertThat(workers.awaitIdle(Duration.ofSeconds(60))).isTrue();
    }
    assertThat(seen.get().getName()).isEqualTo("commslib-test-1");
    assertThat(Thread.class.getMethod("isVirtual").invoke(seen.get())).isEqualTo(true);
  }

  @Test
  void platformWorkersAreNeverVirtual() {
    AtomicReference<Thread> seen = new AtomicReference<>();
    try (SystemRuntime runtime = SystemRuntime.create();
        Workers workers = runtime.newPlatformWorkers("test", 2)) {
      workers.execute(() -> seen.set(Thread.currentThread()));
      assertThat(workers.awaitIdle(Duration.ofSeconds(60))).isTrue();
    }
    assertThat(seen.get().getName()).isEqualTo("commslib-test-1");
    assertThat(seen.get().getClass()).isEqualTo(Thread.class);
  }

  @Test
  void aPauseNeedsNoSchedulerAndIsNeverShorter() throws Exception {
    SystemRuntime runtime = SystemRuntime.platformThreads();
    runtime.close();
    long begin = runtime.time().nanoTime();
    runtime.pause(Duration.ofMillis(20));
    assertThat(runtime.time().nanoTime() - begin).isGreaterThanOrEqualTo(20_000_000);

    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> runtime.pause(Duration.ZERO)).isInstanceOf(InterruptedException.class);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }
}
