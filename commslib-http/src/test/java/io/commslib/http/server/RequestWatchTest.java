package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.Await;
import io.commslib.testkit.ForwardingRuntime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RequestWatchTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final VirtualTime time = VirtualTime.create();
  private final RequestWatch watch = new RequestWatch(time);

  private long in(long nanos) {
    return time.time().nanoTime() + nanos;
  }

  @Test
  void aPhaseIsInterruptedOnceItsTimeIsOver() {
    try (RequestWatch.Watched watched = watch.begin(in(SECOND))) {
      time.advance(Duration.ofMillis(999));
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
      time.advance(Duration.ofMillis(6));
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
      assertThat(watched.next(in(SECOND))).isTrue();
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
      time.advance(Duration.ofMillis(1_006));
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(watch.overruns()).isEqualTo(2);
  }

  @Test
  void progressMovesTheEndOfAPhase() {
    try (RequestWatch.Watched watched = watch.begin(in(SECOND))) {
      for (int i = 0; i < 5; i++) {
        time.advance(Duration.ofMillis(900));
        watched.renew(in(SECOND));
      }
      assertThat(watched.next(in(SECOND))).isFalse();
    }
    assertThat(watch.overruns()).isZero();
  }

  /** The tick ends with the last request, and begins again with the next one. */
  @Test
  void nothingTicksWithoutRequests() {
    AtomicInteger ticks = new AtomicInteger();
    RequestWatch counted =
        new RequestWatch(
            new ForwardingRuntime(time) {
              @Override
              public TaskScheduler scheduler() {
                ticks.incrementAndGet();
                return super.scheduler();
              }
            });
    counted.begin(in(SECOND)).close();
    time.advance(Duration.ofSeconds(10));
    assertThat(ticks).hasValue(1);
    try (RequestWatch.Watched watched = counted.begin(in(SECOND))) {
      time.advance(Duration.ofMillis(1_006));
      assertThat(watched.next(in(SECOND))).isTrue();
    }
    int before = ticks.get();
    time.advance(Duration.ofSeconds(10));
    assertThat(ticks).hasValue(before);
  }

  /** A thread whose interrupt takes as long as the test decides. */
  private static final class SlowlyInterrupted extends Thread {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    SlowlyInterrupted(Runnable body) {
      super(body);
    }

    @Override
    public void interrupt() {
      begun.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      super.interrupt();
    }
  }

  /** Code after a phase must not get the interrupt that was meant for the phase. */
  @Test
  void theEndOfAPhaseWaitsForAnInterruptOnItsWay() throws Exception {
    CompletableFuture<Boolean> leaked = new CompletableFuture<>();
    CountDownLatch watched = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch ending = new CountDownLatch(1);
    SlowlyInterrupted thread =
        new SlowlyInterrupted(
            () -> {
              try (RequestWatch.Watched phase = watch.begin(in(SECOND))) {
                watched.countDown();
                end.await();
                ending.countDown();
                phase.next(in(1_000 * SECOND));
                leaked.complete(Thread.currentThread().isInterrupted());
              } catch (Throwable e) {
                leaked.completeExceptionally(e);
              }
            });
    thread.start();
    watched.await();
    Thread tick = time.newThread("tick", () -> time.advance(Duration.ofMillis(1_006)));
    tick.start();
    thread.begun.await();
    end.countDown();
    ending.await();
    Await.stays("it waits for the interrupt", Duration.ofMillis(50), () -> !leaked.isDone());
    thread.go.countDown();
    assertThat(leaked.get(20, TimeUnit.SECONDS)).isFalse();
    tick.join();
    thread.join();
    assertThat(thread.isInterrupted()).isFalse();
  }
}
