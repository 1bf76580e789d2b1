package io.commslib.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportClosedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class LifecycleTest {

  private final List<String> calls = new ArrayList<>();

  private final class Part implements LifecycleComponent {
    private final String name;
    private final boolean fails;
    private Health.Status status = Health.Status.UP;

    Part(String name, boolean fails) {
      this.name = name;
      this.fails = fails;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public void start() {
      calls.add("start " + name);
      if (fails) {
        throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "no database", null);
      }
    }

    @Override
    public boolean drain(Duration timeout) {
      calls.add("drain " + name);
      return true;
    }

    @Override
    public void close() {
      calls.add("close " + name);
    }

    @Override
    public Health health() {
      return Health.of(status, status == Health.Status.UP ? "" : "broken", Map.of());
    }
  }

  @Test
  void startsRelaysThenSagasAndDrainsTheOtherWayRound() {
    Lifecycle lifecycle =
        Lifecycle.builder().saga(new Part("saga", false)).relay(new Part("relay", false)).build();
    lifecycle.start();
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.RUNNING);
    assertThat(lifecycle.drain(Duration.ofSeconds(1))).isTrue();
    lifecycle.close();
    lifecycle.close();
    assertThat(calls)
        .containsExactly(
            "start relay", "start saga", "drain saga", "drain relay", "close saga", "close relay");
    assertThatIllegalStateException().isThrownBy(lifecycle::start);
  }

  @Test
  void closesWhatItHadStartedWhenAPartCannotStart() {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new Part("relay", false))
            .saga(new Part("bad", true))
            .saga(new Part("never", false))
            .build();
    try {
      lifecycle.start();
    } catch (StoreException expected) {
      calls.add("failed");
    }
    assertThat(calls)
        .containsExactly("start relay", "start bad", "close bad", "close relay", "failed");
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  void refusesTwoPartsOfOneName() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Lifecycle.builder().relay(new Part("x", false)).saga(new Part("x", false)).build())
        .withMessage("names: [x, x] (expected: distinct)");
  }

  @Test
  void healthIsTheWorstOfAllParts() {
    Part sick = new Part("sick", false);
    Lifecycle lifecycle = Lifecycle.builder().relay(new Part("well", false)).saga(sick).build();
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.UP);
    sick.status = Health.Status.DOWN;
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(lifecycle.health().reason()).isEqualTo("sick: broken");
    assertThat(lifecycle.health().parts()).containsOnlyKeys("well", "sick");
  }

  @Test
  void runsASubscriptionAndClosesItsTransportLast() throws Exception {
    InMemoryTransport transport = InMemoryTransport.create();
    Destination queue = Destination.queue("q");
    transport.declare(DestinationConfig.builder(queue).build());
    CountDownLatch handled = new CountDownLatch(1);
    Lifecycle lifecycle =
        Lifecycle.builder()
            .transport(transport)
            .subscription(
                "q",
                () ->
                    transport
                        .subscriber()
                        .subscribe(
                            SubscriptionConfig.builder(queue).build(),
                            delivery -> {
                              handled.countDown();
                              return Settlement.done();
                            }))
            .build();
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.DOWN);
    lifecycle.start();
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.UP);
    transport.publisher().publish(queue, Message.builder("t").build()).toCompletableFuture().join();
    handled.await();
    assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
    lifecycle.close();
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () -> transport.publisher().publish(queue, Message.builder("t").build()))
        .isInstanceOf(TransportClosedException.class);
  }
}
