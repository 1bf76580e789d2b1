package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RelayWatchTest {

  private final SystemRuntime runtime = SystemRuntime.create();
  private final OutboxEvents events = new OutboxEvents(runtime, CommsObserver.none(), "relay");
  private final RelayWatch watch = new RelayWatch(Duration.ofMinutes(1), events);

  @BeforeEach
  void watchALoopThatHasEnded() throws InterruptedException {
    Thread ended = runtime.newThread("outbox-ack", () -> {});
    watch.add(ended, new RelayLoopProgress("ack", runtime.time()));
    ended.start();
    ended.join();
  }

  @AfterEach
  void close() {
    events.close();
    runtime.close();
  }

  @Test
  void aLoopThatHasEndedByItselfIsReported() {
    assertThat(watch.observe()).isEqualTo("commslib-outbox-ack has ended");
    watch.close();
    assertThat(watch.observe()).isEqualTo("commslib-outbox-ack has ended");
  }

  @Test
  void aLoopThatEndsWhileTheRelayClosesIsNotReported() {
    watch.close();
    assertThat(watch.observe()).isEmpty();
  }
}
