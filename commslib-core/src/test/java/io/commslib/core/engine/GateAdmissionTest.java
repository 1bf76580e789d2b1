package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.resilience.Gate;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each message that a gate admits is reported to it once when it has ended. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GateAdmissionTest {

  private final EngineFixture fixture = new EngineFixture();
  private final AtomicInteger admitted = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();
  private final AtomicInteger asked = new AtomicInteger();

  private final Gate gate =
      new Gate() {
        @Override
        public boolean isOpen() {
          boolean open = asked.incrementAndGet() % 3 != 0;
          if (open) {
            admitted.incrementAndGet();
          }
          return open;
        }

        @Override
        public void ended() {
          ended.incrementAndGet();
        }
      };

  @AfterEach
  void everyAdmissionHasEnded() {
    assertThat(ended).hasValue(admitted.get()).hasValueGreaterThan(0);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
  }

  private void acceptAll() {
    for (int i = 0; i < 20; i++) {
      fixture.accept("m" + i, "k" + i % 4);
    }
    fixture.time().advance(Duration.ofMinutes(30));
    assertThat(fixture.acknowledged()).hasSize(20);
  }

  @Test
  void whateverTheHandlerDoes() {
    AtomicInteger runs = new AtomicInteger();
    fixture.start(
        fixture.config().gate(gate).build(),
        delivery ->
            switch (runs.incrementAndGet() % 5) {
              case 0 ->
                  throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
              case 1 -> throw new IllegalStateException("broken");
              case 2 -> Settlement.deadLetter("useless");
              case 3 -> Settlement.giveBack();
              default -> Settlement.done();
            });
    for (int i = 0; i < 20; i++) {
      fixture.accept("m" + i, "k" + i);
    }
    fixture.time().advance(Duration.ofMinutes(30));
    assertThat(fixture.acknowledged().size() + fixture.givenBack().size()).isEqualTo(20);
  }

  @Test
  void inBatches() {
    fixture.start(
        fixture.config().gate(gate).batch(BatchBounds.of(3)).build(),
        (BatchHandler)
            batch -> {
              if (batch.size() > 1 && batch.get(0).message().id().equals("m3")) {
                throw new IllegalStateException("one by one");
              }
              return BatchHandler.allDone(batch);
            });
    acceptAll();
  }

  @Test
  void aGateThatFailsAtTheEndStopsNothing() {
    Gate failing =
        new Gate() {
          @Override
          public boolean isOpen() {
            return gate.isOpen();
          }

          @Override
          public void ended() {
            gate.ended();
            throw new NoClassDefFoundError("broken");
          }
        };
    fixture.start(fixture.config().gate(failing).build(), delivery -> Settlement.done());
    acceptAll();
  }
}
