package io.commslib.core.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportClosedException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LifecycleTest {

  private final List<String> calls = new CopyOnWriteArrayList<>();

  private final class TestComponent implements LifecycleComponent {
    private final String name;
    private final boolean fails;
    private Health.Status status = Health.Status.UP;
    private Duration drainTimeout = Duration.ZERO;
    private Runnable onClose = () -> {};

    TestComponent(String name, boolean fails) {
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
    public void stopIntake() {
      calls.add("stop " + name);
    }

    @Override
    public boolean drain(Duration timeout) {
      calls.add("drain " + name);
      drainTimeout = timeout;
      return true;
    }

    @Override
    public void close() {
      calls.add("close " + name);
      onClose.run();
    }

    @Override
    public Health health() {
      return Health.of(status, status == Health.Status.UP ? "" : "broken", Map.of());
    }
  }

  @Test
  void startsRelaysBeforeSagasAndDrainsInReverse() {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .saga(new TestComponent("saga", false))
            .relay(new TestComponent("relay", false))
            .build();
    lifecycle.start();
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.RUNNING);
    assertThat(lifecycle.drain(Duration.ofSeconds(1))).isTrue();
    lifecycle.close();
    lifecycle.close();
    assertThat(calls)
        .containsExactly(
            "start relay",
            "start saga",
            "stop saga",
            "stop relay",
            "drain saga",
            "drain relay",
            "close saga",
            "close relay");
    assertThatIllegalStateException().isThrownBy(lifecycle::start);
  }

  @Test
  void startsServersLastAndDrainsThemFirst() {
    InMemoryTransport transport = InMemoryTransport.create();
    transport.declare(DestinationConfig.builder(Destination.queue("orders")).build());
    Lifecycle lifecycle =
        Lifecycle.builder()
            .server(new TestComponent("server", false))
            .transport(transport)
            .subscription(
                "subscription",
                () -> {
                  calls.add("start subscription");
                  return transport
                      .subscriber()
                      .subscribe(
                          SubscriptionConfig.builder(Destination.queue("orders"), "main").build(),
                          delivery -> Settlement.done());
                })
            .calls(new TestComponent("calls", false))
            .saga(new TestComponent("saga", false))
            .relay(new TestComponent("relay", false))
            .build();
    lifecycle.start();
    assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
    lifecycle.close();
    assertThat(calls)
        .containsExactly(
            "start calls",
            "start relay",
            "start saga",
            "start subscription",
            "start server",
            "stop server",
            "stop saga",
            "stop relay",
            "stop calls",
            "drain server",
            "drain saga",
            "drain relay",
            "drain calls",
            // What the last calls have written is published too.
            "drain relay",
            "close server",
            "close saga",
            "close relay",
            "close calls");
  }

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void relaysAndCallsHaveTheirShareOfTheTime() {
    TestComponent server = new TestComponent("server", false);
    TestComponent calls = new TestComponent("calls", false);
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new FaultyComponent("drain", Fault.HANGS))
            .calls(calls)
            .server(server)
            .build();
    lifecycle.start();
    assertThat(lifecycle.drain(Duration.ofMillis(800))).isFalse();
    lifecycle.close();
    assertThat(server.drainTimeout).isPositive().isLessThanOrEqualTo(Duration.ofMillis(500));
    assertThat(calls.drainTimeout).isBetween(Duration.ofMillis(90), Duration.ofMillis(100));
  }

  @Test
  void closesStartedComponentsIfOneCannotStart() {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new TestComponent("relay", false))
            .saga(new TestComponent("bad", true))
            .saga(new TestComponent("never", false))
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
  void refusesTwoComponentsWithOneName() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Lifecycle.builder()
                    .relay(new TestComponent("x", false))
                    .saga(new TestComponent("x", false))
                    .build())
        .withMessage("names: [x, x] (expected: distinct, by the setting for the name of each)");
  }

  @Test
  void healthIsTheWorstOfAllComponents() {
    TestComponent sick = new TestComponent("sick", false);
    Lifecycle lifecycle =
        Lifecycle.builder().relay(new TestComponent("well", false)).saga(sick).build();
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.UP);
    sick.status = Health.Status.DOWN;
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(lifecycle.health().reason()).isEqualTo("sick: broken");
    assertThat(lifecycle.health().components()).containsOnlyKeys("well", "sick");
  }

  @Test
  void runsASubscriptionAndClosesItsTransportLast() throws Exception {
    InMemoryTransport transport = InMemoryTransport.create();
    Destination queue = Destination.queue("q");
    transport.declare(DestinationConfig.builder(queue).build());
    CountDownLatch handled = new CountDownLatch(1);
    TestComponent relay = new TestComponent("relay", false);
    relay.onClose = () -> calls.add("transport " + transport.health().status());
    Lifecycle lifecycle =
        Lifecycle.builder()
            .transport(transport)
            .relay(relay)
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
    assertThat(calls).endsWith("close relay", "transport UP");
    assertThatThrownBy(() -> transport.publisher().publish(queue, Message.builder("t").build()))
        .isInstanceOf(TransportClosedException.class);
  }

  /** Behaviour of a faulty component. */
  private enum Fault {
    THROWS,
    HANGS
  }

  private static final class FaultyComponent implements LifecycleComponent {
    private final CountDownLatch never = new CountDownLatch(1);
    private final String method;
    private final Fault fault;

    FaultyComponent(String method, Fault fault) {
      this.method = method;
      this.fault = fault;
    }

    private void call(String called) {
      if (!called.equals(method)) {
        return;
      }
      if (fault == Fault.THROWS) {
        throw new NoClassDefFoundError("planted in " + called);
      }
      try {
        never.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public String name() {
      call("name");
      return "bad";
    }

    @Override
    public void start() {
      call("start");
    }

    @Override
    public void stopIntake() {
      call("stopIntake");
    }

    @Override
    public boolean drain(Duration timeout) {
      call("drain");
      return true;
    }

    @Override
    public void close() {
      call("close");
      never.countDown();
    }

    @Override
    public Health health() {
      call("health");
      return Health.of(Health.Status.UP, "", Map.of());
    }
  }

  /** The methods of a component. */
  static Stream<String> methods() {
    return Arrays.stream(LifecycleComponent.class.getDeclaredMethods())
        .filter(method -> !method.isSynthetic())
        .map(Method::getName)
        .sorted();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aComponentThatThrowsDoesNotAffectTheOthers(String method) {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new TestComponent("relay", false))
            .saga(new FaultyComponent(method, Fault.THROWS))
            .saga(new TestComponent("saga", false))
            .build();
    if (method.equals("start")) {
      assertThatThrownBy(lifecycle::start).isInstanceOf(NoClassDefFoundError.class);
      assertThat(calls).containsExactly("start relay", "close relay");
      return;
    }
    lifecycle.start();
    assertThat(lifecycle.health().components()).hasSize(3);
    assertThat(lifecycle.health().status())
        .isEqualTo(method.equals("health") ? Health.Status.DOWN : Health.Status.UP);
    assertThat(lifecycle.drain(Duration.ofSeconds(Long.MAX_VALUE)))
        .isEqualTo(!method.equals("drain"));
    lifecycle.close();
    assertThat(calls)
        .containsExactly(
            "start relay",
            "start saga",
            "stop saga",
            "stop relay",
            "drain saga",
            "drain relay",
            "close saga",
            "close relay");
  }

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aComponentThatHangsLeavesTimeForTheOthers() {
    TestComponent relay = new TestComponent("relay", false);
    TestComponent saga = new TestComponent("saga", false);
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(relay)
            .saga(new FaultyComponent("drain", Fault.HANGS))
            .saga(saga)
            .build();
    lifecycle.start();
    assertThat(lifecycle.drain(Duration.ofMillis(400))).isFalse();
    lifecycle.close();
    assertThat(calls).contains("drain saga", "drain relay", "close saga", "close relay");
    assertThat(saga.drainTimeout).isPositive().isLessThanOrEqualTo(Duration.ofMillis(300));
    assertThat(relay.drainTimeout).isPositive().isLessThanOrEqualTo(Duration.ofMillis(100));
  }

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aComponentThatHangsInCloseIsLeftAndTheOthersAreClosed() {
    InMemoryTransport transport = InMemoryTransport.create();
    Lifecycle lifecycle =
        Lifecycle.builder()
            .closeLimit(Duration.ofMillis(100))
            .transport(transport)
            .relay(new TestComponent("relay", false))
            .saga(new FaultyComponent("close", Fault.HANGS))
            .build();
    lifecycle.start();
    lifecycle.close();
    assertThat(calls).endsWith("close relay");
    assertThat(transport.health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  void whatNeverStartedIsDrainedAndClosed() {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new TestComponent("relay", true))
            .saga(new TestComponent("saga", true))
            .build();
    assertThat(lifecycle.drain(Duration.ofSeconds(1))).isTrue();
    lifecycle.close();
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  void failuresOfCloseAreSuppressedInTheFailureOfStart() {
    Lifecycle lifecycle =
        Lifecycle.builder()
            .relay(new FaultyComponent("close", Fault.THROWS))
            .saga(new TestComponent("saga", true))
            .build();
    assertThatThrownBy(lifecycle::start)
        .isInstanceOf(StoreException.class)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
  }

  @Test
  void subscribesToItsOnlyTransportUnderTheConfiguredName() {
    Destination queue = Destination.queue("orders");
    SubscriptionConfig config = SubscriptionConfig.builder(queue).name("stock").build();
    InMemoryTransport transport = InMemoryTransport.create();
    transport.declare(DestinationConfig.builder(queue).build());
    try (Lifecycle lifecycle =
        Lifecycle.builder()
            .subscribe(config, delivery -> Settlement.done())
            .transport(transport)
            .build()) {
      lifecycle.start();
      assertThat(lifecycle.health().components()).containsKeys("memory", "stock");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Lifecycle.builder().subscribe(config, delivery -> Settlement.done()).build())
        .withMessage("transports: 0 (expected: 1, to which subscribe(config, handler) subscribes)");
  }

  @Test
  @Timeout(value = 150, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aStartThatHangsDoesNotDelayDrainAndCloseBeyondTheirTimeouts() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    List<String> closed = new CopyOnWriteArrayList<>();
    LifecycleComponent hanging =
        new LifecycleComponent() {
          @Override
          public String name() {
            return "hanging";
          }

          @Override
          public void start() {
            begun.countDown();
            try {
              end.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }

          @Override
          public void stopIntake() {}

          @Override
          public boolean drain(Duration timeout) {
            return true;
          }

          @Override
          public void close() {
            closed.add("hanging");
          }

          @Override
          public Health health() {
            return Health.of(Health.Status.UP, "", Map.of());
          }
        };
    Lifecycle lifecycle = Lifecycle.builder().saga(hanging).build();
    Thread starter =
        new Thread(
            () -> {
              try {
                lifecycle.start();
              } catch (IllegalStateException e) {
                over.countDown();
              }
            });
    starter.setDaemon(true);
    starter.start();
    assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(lifecycle.drain(Duration.ofMillis(100))).isFalse();
    lifecycle.close();
    assertThat(closed).containsExactly("hanging");
    end.countDown();
    assertThat(over.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(lifecycle.state()).isEqualTo(LifecycleState.CLOSED);
    assertThat(closed).as("started after close").hasSize(2);
  }

  @Test
  void refusesTwoSubscriptionsOfOneDestinationAndGroup() {
    Destination queue = Destination.queue("orders");
    Lifecycle.Builder builder =
        Lifecycle.builder()
            .subscribe(
                SubscriptionConfig.builder(queue).name("placed").build(), d -> Settlement.done());
    SubscriptionConfig second = SubscriptionConfig.builder(queue).name("cancelled").build();
    assertThatThrownBy(() -> builder.subscribe(second, d -> Settlement.done()))
        .hasMessageStartingWith(
            "COMMS-CORE-003: subscriptions: placed and cancelled both consume queue:orders with"
                + " group main (expected: one subscription of a service for each destination");
  }
}
