package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class WakeSignalTest {

  private static final long LONG = Duration.ofHours(1).toNanos();

  private final WakeSignal signal = new WakeSignal();
  private final AtomicBoolean enough = new AtomicBoolean();

  private Thread startLingering() {
    Thread thread =
        new Thread(
            () -> {
              try {
                signal.linger(LONG, enough::get);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    thread.setDaemon(true);
    thread.start();
    Await.until("lingers", () -> thread.getState() == Thread.State.TIMED_WAITING);
    return thread;
  }

  @Test
  void aNudgeEndsALingerOnceThereIsEnough() {
    Thread thread = startLingering();
    signal.nudge();
    assertThat(thread.isAlive()).isTrue();
    enough.set(true);
    signal.nudge();
    Await.until("ended", () -> !thread.isAlive());
  }

  @Test
  void aRaiseDuringALingerEndsTheNextWait() throws InterruptedException {
    Thread thread = startLingering();
    signal.raise();
    assertThat(thread.getState()).isEqualTo(Thread.State.TIMED_WAITING);
    enough.set(true);
    signal.nudge();
    Await.until("ended", () -> !thread.isAlive());
    assertThat(signal.await(0)).isTrue();
    assertThat(signal.takeRaised()).isTrue();
  }

  @Test
  void anyNumberOfRaisesCountsAsOne() throws InterruptedException {
    signal.raise();
    signal.raise();
    assertThat(signal.await(LONG)).isTrue();
    assertThat(signal.await(0)).isFalse();
    assertThat(signal.takeRaised()).isTrue();
    assertThat(signal.takeRaised()).isFalse();
  }
}
